"""The place that the bench films: a street front with texture, a camera's noise, one red walker.

Drawn as luma and chroma planes, for that is what the encoder takes. The same number gives the same
picture, so that two machines measure the same work.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.uint8]
"""(height * 3 / 2, width) uint8: I420, the luma plane above the two chroma planes."""

WIDTH, HEIGHT = 1920, 1080
RED_V = 215
"""Chroma (V) of the walker; all else keeps within 10 of grey."""
GREY = 128
NOISE_SIGMA = 2.5
"""Levels; a day-time camera before its encoder. Makes 4 Mbit/s a rate that is really used."""
_NOISE_MARGIN = 64
_GRAIN_PX = (256, 64, 16, 4)
_WALKER_PX = (110, 300)
_ORBIT = (0.36, 0.18)
"""Half axes of the walker's way round, fractions of the picture."""


class Street:
    """Pictures of one street, with or without the walker."""

    def __init__(self) -> None:
        """Draw what stands still, and noise to choose from."""
        random = np.random.default_rng(7)
        self._base = _draw_front(random)
        shape = (HEIGHT + _NOISE_MARGIN, WIDTH + _NOISE_MARGIN)
        self._noise = np.rint(random.normal(0.0, NOISE_SIGMA, shape)).astype(np.int16)
        self._coat = _texture(random, _WALKER_PX, (32, 8), depth=30.0)

    def draw(self, number: int, *, round_share: float | None) -> Planes:
        """Draw one picture.

        Args:
            number: decides the noise.
            round_share: how far (0..1) the walker is on the way round; None leaves it out.
        """
        planes = np.full((HEIGHT * 3 // 2, WIDTH), GREY, np.uint8)
        luma = self._base.copy()
        if round_share is not None:
            self._draw_walker(luma, planes[HEIGHT:], round_share)
        random = np.random.default_rng(1000 + number)
        row, column = random.integers(0, _NOISE_MARGIN, 2).tolist()
        noise = self._noise[row : row + HEIGHT, column : column + WIDTH]
        cv2.add(luma, noise if number % 2 else -noise, dst=luma)
        planes[:HEIGHT] = np.clip(luma, 16, 235)
        return planes

    def _draw_walker(self, luma: npt.NDArray[np.int16], chroma: Planes, round_share: float) -> None:
        angle = round_share * 2 * math.pi
        width, height = _WALKER_PX
        x = int((0.5 + _ORBIT[0] * math.cos(angle)) * WIDTH - width / 2) // 2 * 2
        y = int((0.55 + _ORBIT[1] * math.sin(angle)) * HEIGHT - height / 2) // 2 * 2
        luma[y : y + height, x : x + width] = self._coat
        red = chroma.reshape(2, HEIGHT // 2, WIDTH // 2)[1]
        red[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2] = RED_V


def shrink(planes: Planes, size: tuple[int, int]) -> Planes:
    """Make the sub stream's picture; `size` is (width, height), even."""
    width, height = size
    small = np.empty((height * 3 // 2, width), np.uint8)
    small[:height] = cv2.resize(planes[:HEIGHT], size, interpolation=cv2.INTER_AREA)
    chroma = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    small_chroma = small[height:].reshape(2, height // 2, width // 2)
    for index in (0, 1):
        half = (width // 2, height // 2)
        small_chroma[index] = cv2.resize(chroma[index], half, interpolation=cv2.INTER_AREA)
    return small


def _draw_front(random: np.random.Generator) -> npt.NDArray[np.int16]:
    front = np.asarray(_texture(random, (WIDTH, HEIGHT), _GRAIN_PX, depth=16.0))
    front[HEIGHT // 2 :] -= 20
    for x in range(120, WIDTH - 200, 260):
        for y in range(90, HEIGHT // 2 - 150, 190):
            front[y : y + 130, x : x + 110] = 70
            front[y + 60 : y + 66, x : x + 110] = 160
    for x in range(0, WIDTH, 90):
        front[HEIGHT // 2 + 8 : HEIGHT // 2 + 14, x : x + 50] = 190
    return front


def _texture(
    random: np.random.Generator, size: tuple[int, int], grains_px: tuple[int, ...], *, depth: float
) -> npt.NDArray[np.int16]:
    """Add up random fields of several grains; `depth` is the deviation of each, in levels."""
    width, height = size
    total = np.full((height, width), 120.0, np.float32)
    for grain in grains_px:
        cells = (height // grain + 2, width // grain + 2)
        field = random.normal(0.0, depth, cells).astype(np.float32)
        total += cv2.resize(field, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(total, 30, 220).astype(np.int16)
