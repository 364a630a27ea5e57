"""Picture files, read as grey with all their levels; a decoder's complaint is an error."""

import io
import re
import stat
import warnings
from pathlib import Path

import cv2
import numpy as np

from .findings import DatasetError

IMAGES = frozenset(
    ".avif .bmp .dib .exr .gif .hdr .jp2 .jpe .jpeg .jpg .pam .pbm .pfm .pgm .pic .png .pnm .ppm "
    ".pxm .ras .sr .tif .tiff .webp".split()
)
"""Endings of the picture files that OpenCV reads."""

PIXELS = 2**26
"""Most pixels of a picture; a frame of 8K video has half as many."""

CLIP = 2**31
"""Most pixels of all frames of a clip, which are in memory together."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of a pixel that cameras have. Files know only 8 and 16."""


def plain_file(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises
    ------
    DatasetError
        If it is a pipe, a device or anything else that may never end, or cannot be opened.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"{path}: cannot be opened ({reason})") from error
    if not stat.S_ISREG(found.st_mode):
        raise DatasetError(f"{path}: no plain file, but a folder, a pipe or a device")
    return found.st_size


def refuse_large(where: object, width: int, height: int, count: int = 1) -> None:
    """Raise a DatasetError if a picture, or a clip of ``count`` of them, is too large."""
    if width * height > PIXELS:
        raise DatasetError(
            f"{where}: is {width}x{height} pixels; at most {PIXELS // 10**6} million are read, "
            "make it smaller"
        )
    if count * width * height > CLIP:
        raise DatasetError(
            f"{where}: {count} frames of {width}x{height} pixels need "
            f"{count * width * height / 1e9:.1f} GB, at most {CLIP / 1e9:.1f} GB are read; name "
            "onset and offset of a shorter clip, or make the frames smaller"
        )


def decode(path: Path) -> np.ndarray | DatasetError:
    """Return a picture as grey (H, W) uint8 or uint16, or what is wrong with it."""
    try:
        return decoded(path)
    except DatasetError as error:
        return error


def decoded(path: Path) -> np.ndarray:
    """Return a picture as `decode` does; raise a DatasetError if something is wrong with it."""
    size = plain_file(path)
    if size > 8 * PIXELS:
        raise DatasetError(f"{path}: is {size / 1e9:.1f} GB, at most {8 * PIXELS / 1e9:.1f} GB")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror})") from error
    jpeg = data.startswith(b"\xff\xd8")
    if jpeg:
        data += b"\xff\xd9"  # the end marker, which some programs leave out
    fault = header_fault(path, data) or (jpeg_fault(data) if jpeg else "")
    if fault:
        raise DatasetError(f"{path}: the picture is damaged or cut short ({fault})")
    try:
        # OpenCV finds nothing in a grey Sun raster file, unless colours are asked for.
        colours = data.startswith(b"\x59\xa6\x6a\x95")
        flags = (cv2.IMREAD_COLOR if colours else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_ANYDEPTH
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise DatasetError(f"{path}: not a readable image ({size} bytes)")
    if image.ndim == 3:  # as do those of some floating-point pictures
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if image.dtype == np.float32:  # from 0 to 1
        return np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8)
    if image.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{path}: has numbers of {image.dtype}, expected 8 or 16 bits a pixel")
    return image


def header_fault(path: Path, data: bytes) -> str:
    """Return what Pillow complains of; refuse a picture that its header says is too large.

    Of a TIFF all is decoded, since OpenCV does not tell when that fails.
    """
    from PIL import Image, UnidentifiedImageError  # here, since most commands read no picture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as picture:
                refuse_large(path, *picture.size)
                if picture.format == "TIFF":
                    picture.load()
        except UnidentifiedImageError:
            # Formats that Pillow does not know write their size as text.
            found = re.search(
                rb"-Y (\d{1,9}) \+X (\d{1,9})|WIDTH (\d{1,9})\s+HEIGHT (\d{1,9})", data
            )
            if found:
                refuse_large(path, *(int(number) for number in found.groups() if number))
        except DatasetError:
            raise
        except Image.DecompressionBombError as error:
            raise DatasetError(f"{path}: too large ({error})") from error
        except Exception as error:  # Pillow raises many kinds
            return str(error)
    return ""


def jpeg_fault(data: bytes) -> str:
    """Return what the decoder complains of in a JPEG; OpenCV reads such files without a word."""
    import simplejpeg  # here, since most commands read no picture

    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        target = "CMYK" if space in ("CMYK", "YCCK") else "GRAY"
        simplejpeg.decode_jpeg(data, target, min_height=1, min_width=1, min_factor=8)
    except ValueError as error:
        return str(error)
    return ""


def same_levels(images: list) -> list:
    """Return the pictures of a clip with 8 bits a pixel, where they have more.

    Cameras of 10 to 14 bits write files of 16 bits. The largest value of the whole clip tells how
    many are used, and all its pictures are divided by the same power of two. What is not a picture
    is returned as it is.
    """
    deep = [image for image in images if getattr(image, "dtype", None) == np.uint16]
    if not deep:
        return images
    bits = max(int(image.max()) for image in deep).bit_length()
    shift = next(depth for depth in DEPTHS if depth >= bits) - 8
    return [
        (image >> shift).astype(np.uint8) if getattr(image, "dtype", None) == np.uint16 else image
        for image in images
    ]


def is_blank(image: np.ndarray) -> bool:
    """Return whether a picture (H, W) uint8 shows nothing: nearly all of it has one grey level."""
    counts = cv2.calcHist([image], [0], None, [256], [0, 256])[:, 0]
    return bool((counts[:-2] + counts[1:-1] + counts[2:]).max() > 0.99 * image.size)
