"""One person under two names, or the same frames twice.

Either makes leave-one-subject-out train on whom it tests.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path

import pandas as pd

from merlib.files import file_hash

from .findings import Findings
from .frames import Frame, VideoFrame

PREFIXES = {"s", "sub", "subj", "subject", "p", "part", "participant", "person", "id"}
"""What a name of a subject may have before its number, or not."""

ADVICE = "if they are one person, leaving one subject out trains on whom it tests: use one name"


def find(clips: pd.DataFrame, root: Path, findings: Findings) -> None:
    """Add what looks like one person under two names, and the same frames under two clips.

    Frames are the same if they are in one file, or their files have the same bytes. Of a folder of
    images only onset and apex are compared by their bytes, of a video the whole file.
    """
    clips = clips[clips["frames"].map(bool).astype(bool)]
    similar_names(clips, root, findings)
    contents = same_contents({frame for clip in clips.itertuples() for frame in key_frames(clip)})
    keys = [[identified(frame, contents) for frame in frames] for frames in clips["frames"]]
    equal_frames(clips, keys, findings)
    shared_sources(clips, contents, findings)


def person(name: str) -> tuple[str, ...]:
    """Return what is left of a subject's name without case, dividers, leading zeros and prefix.

    It is the same for ``1``, ``01``, ``1.0``, ``S01``, ``s1`` and ``sub-001``.
    """
    plain = unicodedata.normalize("NFKC", name).casefold().removesuffix(".0")
    parts = re.findall(r"\d+|[^\W\d_]+", plain)
    if len(parts) == 2 and parts[0] in PREFIXES and parts[1].isdecimal():
        parts = parts[1:]
    return tuple(str(int(part)) if part.isdecimal() else part for part in parts) or (name,)


def similar_names(clips: pd.DataFrame, root: Path, findings: Findings) -> None:
    """Add the names of subjects, and of subjects' folders, that may be those of one person."""
    subjects = set(clips["subject"])
    people = defaultdict(set)
    for name in subjects:
        people[person(name)].add(name)
    for names in sorted(map(sorted, people.values())):
        if len(names) > 1:
            message = f"the subjects {', '.join(map(repr, names))} differ in spelling only"
            findings.warning("two names", f"{message}; {ADVICE}")
    official = clips[clips["source"] != "own"]
    for folder in sorted({frames[0].parents[2] for frames in official["frames"]}):
        named = {frames[0].parents[1].name for frames in official["frames"]}
        for path in sorted(folder.iterdir()):
            alike = [name for name in sorted(named) if person(name) == person(path.name)]
            if alike and path.name not in named and path.is_dir():
                message = f"the folder {path} may be of the subject {alike[0]}; it is not read"
                findings.warning("two names", message, file=str(path))
    for clip in clips[clips["source"] == "own"].itertuples():
        source = source_of(clip.frames[0])
        parts = source.relative_to(root).parts if source.is_relative_to(root) else [source.name]
        others = {name for part in parts if not part.isdecimal() for name in people[person(part)]}
        if others and clip.subject not in others:
            message = f"is of the subject {clip.subject}, but {source} names {min(others)}"
            where = {"row": clips.attrs["rows"][clip.clip], "clip": clip.clip}
            findings.warning("two names", f"{message}; correct one of them", **where)


def source_of(frame: Frame) -> Path:
    """Return the folder or the video of a frame."""
    return frame.path if isinstance(frame, VideoFrame) else frame.parent


def key_frames(clip) -> Iterable[Frame]:
    """Return the onset and, if it is known, the apex frame of a clip."""
    return [clip.frames[k] for k in {0, max(0, clip.apex - clip.onset)}]


def same_contents(frames: set[Frame]) -> dict[Path, bytes]:
    """Return a hash of each file that has as many bytes as another one; others are not read."""
    sizes = defaultdict(list)
    for path in {frame.path if isinstance(frame, VideoFrame) else frame for frame in frames}:
        sizes[path.stat().st_size].append(path)
    twins = (path for paths in sizes.values() if len(paths) > 1 for path in sorted(paths))
    return {path: file_hash(path) for path in twins}


def identified(frame: Frame, contents: dict[Path, bytes]) -> Hashable:
    """Return what frames of the same content have in common."""
    if isinstance(frame, VideoFrame):
        return contents.get(frame.path, frame.path), frame.number
    return contents.get(frame, frame)


def equal_frames(
    clips: pd.DataFrame, keys: Iterable[Iterable[Hashable]], findings: Findings
) -> None:
    """Add the clips that have frames of another clip.

    Frames of another subject are an error. Of the same subject, clips may overlap; it is a warning
    if they begin with the same frame. ``keys`` are those of each clip's frames: equal frames have
    equal keys, and None is no frame.
    """
    told = {finding.clip for finding in findings if finding.kind == "same frames"}
    owners: dict[Hashable, list] = {}
    for clip, own in zip(clips.itertuples(), keys, strict=True):
        own = list(own)
        others = [one for key in own for one in owners.get(key, ()) if one[0] != clip.subject]
        twice = [one for one in owners.get(own[0], ()) if one[2] == own[0]] if own else []
        where = {"row": clips.attrs["rows"].get(clip.clip), "clip": clip.clip}
        if others and clip.clip not in told:
            message = (
                f"has the same frames as {others[0][1]} of the subject {others[0][0]}, and leaving "
                "one subject out would train on what it tests; correct the subject, or leave one "
                "of the clips out"
            )
            findings.error("same frames", message, **where)
        elif twice and clip.clip not in told:
            message = f"begins with the same frame as {twice[0][1]}; is it one clip twice?"
            findings.warning("same frames", message, **where)
        for key in {key for key in own if key is not None}:
            owners.setdefault(key, []).append((clip.subject, clip.clip, own[0]))


def shared_sources(clips: pd.DataFrame, contents: dict[Path, bytes], findings: Findings) -> None:
    """Add the videos and folders of images from which clips of several subjects are taken."""
    told = {finding.clip for finding in findings if finding.kind == "same frames"}
    people: dict[Hashable, dict[str, Path]] = defaultdict(dict)
    for clip in clips.itertuples():
        if clip.clip not in told:
            source = source_of(clip.frames[0])
            people[contents.get(source, source)].setdefault(clip.subject, source)
    for sources in people.values():
        if len(sources) > 1:
            names, source = ", ".join(sorted(sources)), next(iter(sources.values()))
            message = f"{source} holds clips of the subjects {names}; {ADVICE}"
            findings.warning("one source", message, file=str(source))
