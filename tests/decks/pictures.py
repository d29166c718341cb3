"""Reads pictures without any library for them: PNG by the letter of its specification, SVG as the XML that it is."""
import re
import struct
import xml.etree.ElementTree
import zlib

import numpy as np


def paeth(line, above, step):
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        up = above[i]
        guess = left + up - corner
        to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
        nearest = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
        line[i] = (line[i] + nearest) & 255


def average(line, above, step):
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        line[i] = (line[i] + (left + above[i]) // 2) & 255


def read_png(path):
    """The pixels, [height][width][3]; an AssertionError if it is no sound PNG of 8 bits in RGB or RGBA."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n", "signature"
    place, packed, header, last = 8, b"", None, b""
    while place < len(content):
        length, = struct.unpack(">I", content[place:place + 4])
        last, body = content[place + 4:place + 8], content[place + 8:place + 8 + length]
        check, = struct.unpack(">I", content[place + 8 + length:place + 12 + length])
        assert zlib.crc32(last + body) == check, "checksum"
        header = struct.unpack(">IIBBBBB", body) if last == b"IHDR" else header
        packed += body if last == b"IDAT" else b""
        place += 12 + length
    assert last == b"IEND", "end"
    width, height, depth, kind, _, _, interlaced = header
    assert depth == 8 and kind in (2, 6) and not interlaced, "kind"
    step = 3 if kind == 2 else 4
    raw = zlib.decompress(packed)
    assert len(raw) == height * (1 + width * step), "size"
    rows, above = [], bytearray(width * step)
    for i in range(height):
        start = i * (1 + width * step)
        line = bytearray(raw[start + 1:start + 1 + width * step])
        if raw[start] == 1:
            pixels = np.frombuffer(bytes(line), np.uint8).reshape(width, step)
            line = bytearray(np.cumsum(pixels, axis=0, dtype=np.uint8).tobytes())
        elif raw[start] == 2:
            line = bytearray((np.frombuffer(line, np.uint8) + np.frombuffer(above, np.uint8)).tobytes())
        elif raw[start] == 3:
            average(line, above, step)
        elif raw[start] == 4:
            paeth(line, above, step)
        rows.append(bytes(line))
        above = line
    return np.frombuffer(b"".join(rows), np.uint8).reshape(height, width, step)[:, :, :3]


class Svg:
    """What is in an SVG file: its size, texts with their places, lines and polygons with their colours. Heights are
    from the bottom."""

    def __init__(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        _, _, self.width, self.height = map(float, root.attrib["viewBox"].split())
        self.texts, self.lines, self.polygons = [], [], []
        for node in root.iter():
            name = node.tag.split("}")[-1]
            if name == "text":
                numbers = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", node.attrib["transform"])]
                self.texts.append(("".join(node.itertext()), numbers[4], numbers[5]))
            elif name in ("polyline", "polygon") and "points" in node.attrib:
                points = np.array([pair.split(",") for pair in node.attrib["points"].split()], dtype=float)
                fill = node.attrib.get("fill", "none")
                if fill == "none":
                    self.lines.append((node.attrib.get("stroke", "").upper(), points))
                else:
                    self.polygons.append((fill.upper(), points))

    def words(self):
        return [text for text, _, _ in self.texts]

    def discs(self, colour):
        """Centres of the discs of a colour, [n][2], in the order in which they were drawn. A polygon may come closed or
        open, so the centre is that of its box."""
        boxes = [(points.min(axis=0) + points.max(axis=0)) / 2 for fill, points in self.polygons
                 if fill == colour and len(points) >= 12]
        return np.array(boxes).reshape(-1, 2)

    def axis(self, low, high, labels, upright):
        """The map from values to places that the labels of an axis tell: the labels between low and high of the other
        coordinate. Returns slope and offset of place = slope * value + offset."""
        found = [(float(text.replace("\u2212", "-")), y if upright else x) for text, x, y in self.texts
                 if text.replace("\u2212", "-") in labels and low < (x if upright else y) < high]
        values, places = np.array(found).T
        return np.polyfit(values, places, 1)
