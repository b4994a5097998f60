/* What has a name of its own in each compiler. */

#ifndef GEN_COMPILER_H
#define GEN_COMPILER_H

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define UNROLL
#define ALWAYS_INLINE static inline
#endif

#endif
