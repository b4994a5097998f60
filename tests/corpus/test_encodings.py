# ruff: noqa: RUF001  (many scripts have letters that look alike)
import codecs
import encodings.aliases
from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.encodings import Chunks, binary_kind, check_encoding, choose_legacy, decode, settle
from gen.errors import ConfigError, CorpusError

SAMPLES = {
    ("cp1252", "English"): "“It’s fine,” she said — the café’s naïve façade cost £5. ",
    ("cp1252", "French"): "Les élèves étaient déjà à l’école où l’été s’achève ; ça coûte cher, c’est très gênant. ",
    ("cp1252", "German"): "Die Straße führt über die Brücke nach Köln, wo große Häuser und schöne Gärten stehen. ",
    ("cp1252", "Spanish"): "El niño comió una piña mañana; ¿qué pasó después? ¡Qué lástima! La canción está aquí. ",
    ("cp1252", "Portuguese"): "A ação não é tão fácil; às vezes, as lições são difíceis e avó está lá. ",
    ("cp1252", "Swedish"): "Flickan går på ängen där blommorna är blå och röda; å, så skönt det är. ",
    ("latin-1", "Finnish"): "Tämä on hyvä päivä ja äiti meni töihin; pöydällä on ääni. ",
    ("cp1252", "Icelandic"): "Það er ekki auðvelt að þýða íslensku; þú ættir að læra hana. ",
    ("cp1252", "Italian"): "La città è più bella perché c'è il sole; però non so se verrà così. ",
    ("cp1252", "Estonian"): "Öösel sõitsime üle silla ja nägime tähti; õhtu oli külm ja vaikne. ",
    ("cp1250", "Polish"): "Zażółć gęślą jaźń, a potem idź do łóżka; ćma źle się czuła wśród ludzi. ",
    ("iso8859-2", "Polish"): "Zażółć gęślą jaźń, a potem idź do łóżka; ćma źle się czuła wśród ludzi. ",
    ("cp1250", "Czech"): "Příliš žluťoučký kůň úpěl ďábelské ódy; večer šel domů a řekl, že je unavený. ",
    ("cp1250", "Hungarian"): "Árvíztűrő tükörfúrógép; a gyerekek örülnek a hónak és az őszi esőnek. ",
    ("cp1250", "Romanian"): "Ţara noastră este frumoasă şi oamenii sînt buni; mă duc să văd. ",
    ("cp1250", "Croatian"): "Čovjek šeće kraj žutog đaka, a ćevapi su gotovi u kući pored rijeke. ",
    ("cp1254", "Turkish"): "Günaydın, şu ağacın altında oturan çocuğun adı İbrahim; ışık söndü. ",
    ("cp1257", "Lithuanian"): "Šiandien gražus oras, žmonės vaikšto po miestą ir džiaugiasi; ąžuolas ėjo. ",
    ("cp850", "German"): "Die Straße führt über die Brücke nach Köln, wo große Häuser und schöne Gärten stehen. ",
    ("mac-roman", "French"): "Les élèves étaient déjà à l’école où l’été s’achève ; ça coûte cher, c’est très gênant. ",
    ("cp1251", "Russian"): "Все счастливые семьи похожи друг на друга, каждая несчастливая семья по-своему. ",
    ("koi8-r", "Russian"): "Все счастливые семьи похожи друг на друга, каждая несчастливая семья по-своему. ",
    ("cp866", "Russian"): "Все счастливые семьи похожи друг на друга, каждая несчастливая семья по-своему. ",
    ("cp1251", "Ukrainian"): "Реве та стогне Дніпр широкий, сердитий вітер завива, додолу верби гне високі. ",
    ("cp1253", "Greek"): "Όταν ο ήλιος δύει, η θάλασσα γίνεται χρυσή και οι ψαράδες επιστρέφουν στο λιμάνι. ",
    ("cp1255", "Hebrew"): "בראשית ברא אלוהים את השמים ואת הארץ והארץ הייתה תוהו ובוהו. ",
    ("cp1256", "Arabic"): "كان يا ما كان في قديم الزمان رجل يعيش في قرية صغيرة قرب البحر. ",
    ("cp874", "Thai"): "กาลครั้งหนึ่งนานมาแล้ว มีเด็กหญิงคนหนึ่งอาศัยอยู่ในหมู่บ้าน ",
    ("shift_jis", "Japanese"): "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    ("euc_jp", "Japanese"): "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    ("gb18030", "Chinese"): "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。",
    ("big5", "Chinese"): "話說天下大勢，分久必合，合久必分。周末七國分爭，並入於秦。",
    ("euc_kr", "Korean"): "나는 오늘 아침에 일찍 일어나서 밥을 먹고 학교에 갔다. 친구들이 많이 있었다.",
}


def opener(data: bytes, size: int = 1 << 20) -> Chunks:
    def chunks() -> Generator[bytes, None, None]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    return chunks


def read(data: bytes, *, encoding: str | None = None, size: int = 1 << 20) -> tuple[str, dict[str, str]]:
    detected: dict[str, str] = {}
    codec, mark = settle(data[: 1 << 16], encoding)
    return "".join(decode(opener(data, size), codec, mark, "a.txt", detected)), detected


@pytest.mark.parametrize("size", [80, 400, 4000])
@pytest.mark.parametrize(("encoding", "language"), SAMPLES)
def test_a_legacy_text_is_recognised(encoding: str, language: str, size: int) -> None:
    text = (SAMPLES[encoding, language] * 200)[:size]
    data = text.encode(encoding)
    assert data.decode(choose_legacy(data)) == text


@pytest.mark.parametrize("size", [100, 10_000, 1 << 20])
def test_a_legacy_text_is_read_in_pieces_after_megabytes_of_ascii(size: int) -> None:
    ascii_part = "Nothing special here.\n" * (100 if size == 100 else 200_000)
    text = ascii_part + "Żółta łódka płynie, a śnieg pada już od świtu.\n" * 5
    assert read(text.encode("cp1250"), size=size) == (text, {"a.txt": "cp1250"})


def test_one_accent_among_english_is_western() -> None:
    text = "I went home, and then out again because the weather was fine.\n" * 50 + "How naïve.\n"
    assert read(text.encode("cp1252")) == (text, {"a.txt": "cp1252"})


def test_bytes_that_cp1252_lacks_are_latin_1() -> None:
    text = "Les élèves étaient déjà à l'école, et ça coûte cher. \x81"
    assert read(text.encode("latin-1")) == (text, {"a.txt": "latin-1"})


def test_the_encoding_found_before_is_not_looked_for_again() -> None:
    data = "Привет, мир".encode("cp1251")
    assert "".join(decode(opener(data), None, 0, "a.txt", {"a.txt": "koi8-r"})) == data.decode("koi8-r")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_settles_the_encoding_and_is_no_text(encoding: str) -> None:
    text = "naïve 🎼 text\n"
    assert read(text.encode(encoding))[0] == text
    assert read(text.encode(encoding), encoding=encoding)[0] == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_mark_is_believed_before_the_byte_order_named(encoding: str) -> None:
    text = "naïve 🎼 text\n"
    wrong_order = encoding[:6]
    assert read(("\ufeff" + text).encode(encoding), encoding=f"{wrong_order}-le")[0] == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised_where_it_is_clear(encoding: str) -> None:
    text = "Ein Text über Österreich. " * 10
    assert read(text.encode(encoding))[0] == text
    assert read(text.encode(encoding), encoding=encoding)[0] == text


def test_utf_16_without_a_mark_is_little_endian_everywhere() -> None:
    assert read("日本語".encode("utf-16-le"), encoding="utf-16")[0] == "日本語"


def test_a_text_with_some_nul_is_not_utf_16() -> None:
    text = "a\0b and more of it " * 5
    assert read(text.encode()) == (text, {})


def test_a_named_encoding_is_used_whatever_the_bytes() -> None:
    data = "für".encode()
    assert read(data, encoding="cp1252")[0] == "fÃ¼r"


def test_a_mark_of_another_family_is_text() -> None:
    assert read(b"\xef\xbb\xbfabc", encoding="cp1252")[0] == "ï»¿abc"


@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_damaged_utf_8_is_refused_at_its_first_bad_byte(size: int) -> None:
    data = "Größe, Länge, Höhe; ".encode() * 20
    broken = data[:100] + b"\xe9" + data[100:]
    with pytest.raises(CorpusError, match=r"a\.txt: byte 100 \(0xe9\) is not UTF-8.*--encoding cp1252"):
        read(broken, size=size)


def test_damaged_utf_8_is_refused_even_where_only_later_text_shows_that_it_is_utf_8() -> None:
    data = b"plain " * 10 + b"\xe9" + b" plain" * 200_000 + "Größe, Länge, Höhe; ".encode() * 20
    with pytest.raises(CorpusError, match=r"byte 60 \(0xe9\) is not UTF-8"):
        read(data, size=1000)


def test_a_file_cut_within_a_character_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"byte 18 \(0xc3\) is not UTF-8"):
        read("Größe Höhe".encode() + b" abcd "[:5] + b"\xc3")


def test_offsets_count_the_mark() -> None:
    with pytest.raises(CorpusError, match=r"byte 6 \(0xff\) cannot be read as utf-8"):
        read(b"\xef\xbb\xbfabc\xff")


TRIED = ["utf-8", "utf-16-le", "utf-32-be", "ascii", "cp1252", "cp932", "gb18030", "big5", "euc_jp", "cp949", "johab"]


@given(
    codec=st.sampled_from(TRIED),
    data=st.one_of(
        st.binary(max_size=40),
        st.lists(
            st.sampled_from([b"ab", "é".encode(), "日本".encode("cp932"), "🎼".encode("utf-16-le"), b"\x81", b"\xff"])
        ).map(b"".join),
    ),
    size=st.integers(1, 9),
)
@settings(derandomize=True, deadline=None, max_examples=400)
def test_pieces_change_neither_text_nor_the_offset_of_an_error(codec: str, data: bytes, size: int) -> None:
    try:
        expected = data.decode(codec)
    except UnicodeDecodeError as error:
        with pytest.raises(CorpusError, match=rf"a\.txt: byte {error.start:,} \(0x{data[error.start]:02x}\) "):
            "".join(decode(opener(data, size), codec, 0, "a.txt", {}))
    else:
        assert "".join(decode(opener(data, size), codec, 0, "a.txt", {})) == expected


@pytest.mark.parametrize("codec", sorted(set(encodings.aliases.aliases.values())))
def test_every_encoding_that_is_accepted_gives_text(codec: str) -> None:
    try:
        check_encoding(codec)
    except ConfigError:
        return
    settled = settle(b"", codec)[0]
    assert settled is not None
    decoder = codecs.getincrementaldecoder(settled)(errors="ignore")
    for data in (bytes(range(256)), bytes(range(255, -1, -1)), b"\xed\xa0\x80\x00\xd8", b"\x83\x36\xc7\x39"):
        decoder.decode(data, final=True).encode()  # half a surrogate pair would not encode
        decoder.reset()


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "latin-1", "Windows-1252", "shift_jis", "utf_16", "cp037"])
def test_names_are_known_in_any_spelling(name: str) -> None:
    assert check_encoding(name) == codecs.lookup(name).name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("utf8-8", "utf-8"),
        ("latin_11", "latin-1"),
        ("cp12552", "cp125"),
        ("xyzzy", "for example"),
        ("rot13", ""),
        ("hex", ""),
        ("undefined", ""),
        ("unicode_escape", ""),
        ("utf-7", ""),
        ("idna", ""),
        ("", ""),
        ("a\0b", ""),
        ("ütf", ""),
    ],
)
def test_what_is_no_encoding_of_files_is_refused_with_names_like_it(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"encoding .* is not known.*{hint}"):
        check_encoding(name)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"MThd\x00\x00\x00\x06\x00\x01", "MIDI"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8b\x08\x00", r"suffix \.gz"),
        (b"\x28\xb5\x2f\xfd\x04", r"suffix \.zst"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"a.txt".ljust(257, b"\0") + b"ustar", "tar archive"),
        (b"\0" * 100, "binary data"),
        (bytes(range(256)) * 4, "binary data"),
    ],
)
def test_what_is_not_text_is_known_by_its_first_bytes(head: bytes, kind: str) -> None:
    found = binary_kind(head, encoded=False)
    assert found is not None
    assert kind.replace("\\", "") in found


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain",
        b"RIFFs and BZh words",
        b"one NUL\0 in a longer line of text.",
        b"\x1b[1mbold\x1b[0m" * 9,
        b"_\x08a" * 9,
    ],
)
def test_text_is_not_taken_for_anything_else(head: bytes) -> None:
    assert binary_kind(head, encoded=False) is None
