"""Pictures and videos of every kind: read rightly, or refused by name and without delay."""

import os
import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from merlib import files
from merlib.data import frames, pictures, video
from merlib.data.frames import DatasetError, numbered, read_frames, read_images, scan
from merlib.preprocess import pipeline

INTERLACED = av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me


def drawn(number, height=48, width=64):
    """Draw a frame: smooth noise that moves, and camera noise."""
    noise = np.random.default_rng(0).integers(0, 255, (height + 80, width + 80), np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 30, 220, cv2.NORM_MINMAX)
    shift = number % 80
    part = smooth[shift : shift + height, shift : shift + width].astype(int)
    return (part + np.random.default_rng(number).integers(-2, 3, part.shape)).astype(np.uint8)


def film(path, codec="mjpeg", count=30, rate=25, pixels="yuv420p", flags=0, first=0, **options):
    """Write a video of drawn frames; return its path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        if flags:
            stream.codec_context.flags |= flags
        for number in range(count):
            colours = np.repeat(drawn(number)[..., None], 3, 2)
            frame = av.VideoFrame.from_ndarray(colours, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = number + first, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


KINDS = {
    "a.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "b.avi": {"codec": "mpeg4", "bf": "2", "g": "6"},
    "c.mp4": {"codec": "libx264", "bf": "3", "g": "6"},
    "d.mkv": {"codec": "libx264", "g": "8", "x264-params": "open-gop=1"},
    "e.webm": {"codec": "libvpx", "auto-alt-ref": "1", "lag-in-frames": "9", "g": "9"},
    "f.mpg": {"codec": "mpeg2video", "bf": "2", "g": "6"},
    "g.wmv": {"codec": "wmv2"},
    "h.mkv": {"codec": "ffv1", "pixels": "gray16le"},
    "i.MOV": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "interlaced.mpg": {"codec": "mpeg2video", "flags": INTERLACED},
    "interlaced.mp4": {"codec": "libx264", "x264-params": "tff=1", "g": "6"},
}


@pytest.mark.parametrize("name", KINDS)
def test_a_video_is_counted_and_read_to_the_frame_from_any_place(tmp_path, name):
    found = scan(film(tmp_path / name, **KINDS[name]))
    assert found.problem == "" and list(found.frames) == list(range(30)) and found.fps == 25
    assert found.interlaced == name.startswith("interlaced")
    every = list(found.frames.values())
    images = read_frames(every)
    for number, image in enumerate(images):
        assert np.abs(image.astype(int) - drawn(number)).mean() < 9, number
    for chosen in (slice(20, 26), slice(3, 30, 13)):
        np.testing.assert_array_equal(read_frames(every[chosen]), images[chosen])


def test_a_clip_far_into_a_video_is_found_by_seeking(tmp_path, monkeypatch):
    found = scan(film(tmp_path / "long.mp4", "libx264", 200, g="10", bf="2"))
    seen = []
    decoded = video.decoded
    monkeypatch.setattr(
        video, "decoded", lambda *a: map(lambda x: seen.append(x) or x, decoded(*a))
    )
    images = read_frames([found.frames[number] for number in range(150, 160)])
    assert len(images) == 10 and len(seen) < 40
    monkeypatch.setattr(video, "decoded", decoded)
    from_start = [frame._replace(time=None) for frame in found.frames.values()][150:160]
    np.testing.assert_array_equal(read_frames(from_start), images)


def test_a_trimmed_video_holds_what_is_shown(tmp_path):
    """Frames before the start of an edit list are in the file, and are not shown."""
    found = scan(film(tmp_path / "trimmed.mp4", "libx264", first=-7, g="30", bf="0"))
    assert len(found.frames) == 23
    images = read_frames(found.frames.values())
    assert np.abs(images[0].astype(int) - drawn(7)).mean() < 6


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_video_of_a_turned_telephone_is_upright(tmp_path, turns):
    path = film(tmp_path / "turned.mp4", "libx264", 3)
    upright = read_frames(scan(path).frames.values())
    across, down = [(0, -1), (-1, 0), (0, 1)][turns - 1]  # the matrix of the track's header
    matrix = [struct.pack(">9i", a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)
              for a, b in ((1, 0), (across, down))]  # fmt: skip
    before, tail = path.read_bytes().split(b"tkhd")
    path.write_bytes(before + b"tkhd" + tail.replace(*matrix, 1))
    turned = read_frames(scan(path).frames.values())
    np.testing.assert_array_equal(turned, np.rot90(upright, turns, axes=(1, 2)))


def test_dropped_frames_of_a_webcam_are_not_counted(tmp_path):
    path = tmp_path / "webcam.avi"
    with av.open(str(film(tmp_path / "all.avi", pixels="yuvj420p"))) as source:
        with av.open(str(path), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size and packet.pts not in (9, 17):
                    packet.stream = stream
                    target.mux(packet)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 30
    found = scan(path)
    assert len(found.frames) == 28 and read_frames(found.frames.values()).shape == (28, 48, 64)


def spoilt(path, start=0.5, count=400):
    """Overwrite a part of a file."""
    data = bytearray(path.read_bytes())
    place = int(start * len(data))
    data[place : place + count] = np.random.default_rng(0).bytes(count)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.avi", 0.5),
        ("b.avi", 0.75),
        ("c.mp4", 0.5),
        ("f.mpg", 0.6),
        ("h.mkv", 0.5),
        ("i.MOV", 0.5),
    ],
)
def test_a_damaged_video_is_told_by_frame(tmp_path, name, place):
    path = film(tmp_path / name, **KINDS[name])
    spoilt(path, place)
    images = read_images(scan(path).frames.values())
    wrong = [str(image) for image in images if isinstance(image, DatasetError)]
    assert wrong and f"of {path}: cannot be decoded" in wrong[0]
    # Frames before it are whole, and so is the last one: a frame that needs no other came before.
    harmed = [k for k, image in enumerate(images) if isinstance(image, DatasetError)]
    assert 0 < harmed[0] and harmed[-1] < len(images) - 1


def test_files_that_are_no_video_or_never_end_are_refused_at_once(tmp_path, monkeypatch):
    hidden = film(tmp_path / "hidden.avi", pixels="yuvj420p", count=3)
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{hidden}'\n")
    monkeypatch.chdir(tmp_path)  # from here FFmpeg itself would open what a list names so
    (tmp_path / "near.mp4").write_text("ffconcat version 1.0\nfile 'hidden.avi'\n")
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:9,\nfile://{hidden}\n#EXT-X-ENDLIST\n")
    (tmp_path / "face.jpg").write_bytes(cv2.imencode(".jpg", drawn(0))[1])
    for name, message in {
        "pipe.mp4": "no plain file", "list.mp4": "not a readable video",
        "near.mp4": "not a readable video",
        "list.m3u8": "not a readable video", "face.jpg": "is one picture", "/dev/zero": "no plain",
    }.items():  # fmt: skip
        assert message in scan(tmp_path / name).problem


def test_pipes_and_folders_among_the_images_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "img1.jpg")
    (tmp_path / "img2.png").mkdir()
    wrong = list(frames.wrong_files(scan(tmp_path), [1, 2]))
    assert all("no plain file" in message for _, message, _ in wrong) and len(wrong) == 2
    assert "no plain file" in str(pictures.decode(tmp_path / "img1.jpg"))


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["face (1).jpg", "face (2).jpg", "face (10).jpg"], [1, 2, 10]),
        (["0001_aligned.png", "0002_aligned.png"], [1, 2]),
        (["img46.jpg", "img47.jpg"], [46, 47]),
        (["reg_img46.jpg", "REG_IMG47.JPG"], [46, 47]),
        (["006_05562.jpg", "006_05563.jpg"], [5562, 5563]),
        (["frame-12-crop2.jpg", "frame-13-crop2.jpg"], [12, 13]),
        (["f1_of_90.bmp", "f2_of_90.bmp"], [1, 2]),
        (["12_0.055s.png", "13_0.060s.png", "14_0.065s.png"], [12, 13, 14]),
        (["2026-01-02_07-59_8.png", "2026-01-02_08-00_9.png"], [8, 9]),
        (["neutral_1.png", "onset_2.png", "apex_15.png"], [1, 2, 15]),
        (["img7.jpg"], [7]),
        (["img1.jpg", "img2.jpg", "img3.jpg", "thumb9.jpg"], [1, 2, 3]),
        (["EP02_01f_1.jp2", "EP02_01f_2.jp2"], [1, 2]),
        (["a.png", "b.png"], []),
    ],
)
def test_the_frame_number_is_the_number_that_varies(names, numbers):
    assert list(numbered(names).values()) == numbers


def test_images_without_numbers_are_told(tmp_path):
    for name in ("left.jpg", "right.jpg"):
        (tmp_path / name).write_bytes(b"x")
    told = "2 images, none ends in its number, such as left.jpg"
    assert frames.held(scan(tmp_path)) == told


ENDINGS = "bmp dib jpg jpeg jpe JPG jp2 png webp avif pgm ppm pnm pam sr ras tiff tif hdr pic pfm"


@pytest.mark.parametrize("ending", ENDINGS.split())
def test_every_ending_that_opencv_writes_is_read(tmp_path, ending):
    content = [drawn(0), drawn(1)]
    if ending in ("hdr", "pic", "pfm"):
        content = [image.astype(np.float32) / 255 for image in content]
    for number, image in enumerate(content):
        if ending in ("hdr", "pic", "ppm"):
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        assert cv2.imwrite(str(tmp_path / f"{number}.{ending}"), image)
    images = read_frames(scan(tmp_path).frames.values())
    assert np.abs(images[1].astype(int) - drawn(1)).mean() < 4
    path = tmp_path / f"0.{ending}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert isinstance(pictures.decode(path), DatasetError)


@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_is_cut_short_if_decoding_says_so(tmp_path, progressive):
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
    good = cv2.imencode(".jpg", drawn(0), options)[1].tobytes()
    path, expected = tmp_path / "1.jpg", cv2.imdecode(np.frombuffer(good, np.uint8), 0)
    for content in (good, good[:-2], good + b"x" * 500, good + bytes(500)):
        path.write_bytes(content)
        np.testing.assert_array_equal(pictures.decode(path), expected)
    half = len(good) // 2
    for content in (good[:-9], good[:half], good[:half] + bytes(half), good[:half] + b"\xff\xd9"):
        path.write_bytes(content)
        assert "1.jpg: the picture is damaged or cut short (" in str(pictures.decode(path))


def test_a_damaged_tiff_is_told(tmp_path):
    path = tmp_path / "1.tif"
    cv2.imwrite(str(path), drawn(0))
    spoilt(path, count=60)
    assert "1.tif: the picture is damaged" in str(pictures.decode(path))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_deep_pictures_keep_their_levels_and_their_differences(tmp_path, bits, ending):
    for number in range(3):  # the first one is dark: its own largest value decides nothing
        scale = 2 ** (bits - 8) / (8 if number == 0 else 1)
        deep = (drawn(number) * scale).astype(np.uint16)
        cv2.imwrite(str(tmp_path / f"{number}.{ending}"), deep)
    images = read_frames(scan(tmp_path).frames.values()).astype(int)
    np.testing.assert_allclose(images[0], drawn(0) // 8, atol=1)
    np.testing.assert_allclose(images[2], drawn(2), atol=1)


def test_colours_alpha_palettes_and_turned_pictures(tmp_path):
    grey = Image.fromarray(drawn(0))
    turned = Image.Exif()
    turned[0x0112] = 6
    for name, picture, more in (
        ("1.png", grey.convert("RGBA"), {}),
        ("2.png", grey.convert("LA"), {}),
        ("3.png", grey.quantize(256), {}),
        ("4.jpg", grey.convert("CMYK"), {"quality": 95}),
        ("5.jpg", grey.transpose(Image.Transpose.ROTATE_90), {"exif": turned, "quality": 95}),
    ):
        picture.save(tmp_path / name, **more)
        image = pictures.decode(tmp_path / name)
        assert np.abs(image.astype(int) - drawn(0)).mean() < 3, name


def write(folder, images):
    for path in folder.glob("*.png"):
        path.unlink()
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number}.png"), image)
    return scan(folder).frames.values()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_frames_that_show_nothing_are_told(tmp_path, level):
    blank = np.full((48, 64), level, np.uint8)
    blank[2:4, 2:8] = 90  # a date
    told = read_images(write(tmp_path, [drawn(0), blank, drawn(2)]))
    assert "1.png: shows nothing" in str(told[1]) and isinstance(told[2], np.ndarray)


def test_a_recording_that_stands_still_is_refused_and_repeated_neighbours_are_not(tmp_path):
    for order in ([0, 0], [0, 0, 0], [0, 1, 2] + [3] * 9):
        with pytest.raises(DatasetError, match=r"0.png to .* frames are equal one after the other"):
            read_images(write(tmp_path, map(drawn, order)))
    for order in ([0, 0, 1], np.arange(24) // 6, [0, 1, 1, 2, 2, 3]):
        assert len(read_frames(write(tmp_path, map(drawn, order)))) >= len(order)


def test_a_clip_is_of_one_folder_or_one_video(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), drawn(0))
    frame = scan(film(tmp_path / "a.avi", pixels="yuvj420p", count=3)).frames[0]
    with pytest.raises(DatasetError, match=r"are from images and .*a\.avi; expected one folder"):
        read_images([tmp_path / "1.png", frame])


def test_what_is_too_large_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "1.png"
    Image.new("1", (9000, 9000)).save(path)
    assert "1.png: is 9000x9000 pixels; at most 67 million" in str(pictures.decode(path))
    (tmp_path / "1.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 20000 +X 20000\n")
    assert "is 20000x20000 pixels" in str(pictures.decode(tmp_path / "1.hdr"))
    monkeypatch.setattr(pictures, "CLIP", 5000)
    clip = film(tmp_path / "a.avi", pixels="yuvj420p", count=3)
    with pytest.raises(
        DatasetError, match="3 frames of 64x48 pixels need .* name onset and offset"
    ):
        read_images(scan(clip).frames.values())
    assert "8 s" not in frames.too_long("x", 200, 25)
    assert "180 s, which is no micro-expression; name onset" in frames.too_long("x", 4500, 25)


def test_a_folder_is_scanned_once_and_its_file_hashed_once(tmp_path, monkeypatch):
    from merlib.config import Config
    from merlib.data import clips as module

    rows = "".join(f"c{k},s{k % 2},{5 * k},,{5 * k + 4},{'ab'[k % 2]},film.avi\n" for k in range(6))
    (tmp_path / "manifest.csv").write_text("clip,subject,onset,apex,offset,emotion,frames\n" + rows)
    film(tmp_path / "film.avi", pixels="yuvj420p")
    scanned = []
    monkeypatch.setattr(module, "scan", lambda path: scanned.append(path) or scan(path))
    clips = module.load_clips("own", tmp_path)
    assert len(scanned) == 1 and len(clips) == 6
    files.hash_of.cache_clear()
    keys = {pipeline.clip_key(row, Config()) for row in clips.itertuples()}
    assert len(keys) == 6 and files.hash_of.cache_info().misses == 1
