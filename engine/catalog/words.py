"""Everyday words -> the canonical words of captions: what the two models that ship understand.

Shared by the generator's parser, the neural model's tokeniser, and whoever wants to know before asking them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_VOCABULARY = """
and bark beige black blue box boxes brick brown buildings ceramic checkered cliff coarse cobblestones concrete
corridor corrugated cracked craters cyan dark desert diamond door dunes earth fabric fine fish floor four glowing
grass gravel green grey hexagon hills horizon ice in islands large lava layered leather leaves long marble metal moon
moss mossy mountains narrow night old on one orange pink planks plate purple red rock roof room rough rusty sand scale
shingles short sky small snow snowy sphere spheres stone street sunset tall tan teal terrain the three tiled tiles to
two under wall walls water wet white wide window with wood woven yellow
"""

#: Every word that a caption can contain: what the generator understands, and the neural model learns. A word's place
#: here is its number in the models that are trained on it.
VOCABULARY: tuple[str, ...] = tuple(_VOCABULARY.split())

_GROUPS = {  # canonical words <- what people write for them
    # colours
    "red": "scarlet crimson ruby maroon burgundy vermilion reddish cherry",
    "brown": "chocolate umber sepia brownish chestnut walnut mahogany coffee",
    "grey": "gray greyish grayish silver slate ash ashen concrete cement steel",
    "white": "ivory whitish pale snowwhite chalk",
    "black": "ebony charcoal blackish onyx anthracite jet",
    "yellow": "golden gold yellowish lemon mustard amber ochre",
    "orange": "copper tangerine terracotta orangey",
    "green": "emerald olive lime greenish jade",
    "blue": "azure navy cobalt bluish indigo ultramarine sapphire",
    "tan": "khaki caramel fawn buff",
    "purple": "violet lilac lavender magenta plum mauve",
    "pink": "rose salmon fuchsia pinkish rosy",
    "teal": "petrol",
    "beige": "cream creamy sandstone ecru oatmeal",
    "cyan": "turquoise aqua aquamarine skyblue",
    # size
    "small": "tiny little mini miniature smaller minute",
    "large": "big huge giant larger gigantic enormous massive bold",
    "narrow": "thin slim slender",
    "wide": "broad thick",
    "fine": "delicate tight",
    "coarse": "chunky loose",
    # wear and pattern
    "old": "aged ancient weathered worn antique vintage rustic reclaimed distressed",
    "rough": "rugged crude irregular uneven bumpy",
    "wet": "rainy damp",
    "mossy": "moss overgrown lichen",
    "rusty": "rusted rust corroded",
    "layered": "stratified sedimentary strata layers banded",
    "cracked": "cracks broken fractured crackled",
    "glowing": "molten burning fiery incandescent",
    "checkered": "checker checkerboard chequered checked chess chessboard",
    "fish scale": "scalloped rounded",
    # materials
    "brick": "bricks brickwork masonry",
    "cobblestones": "cobblestone cobbles cobble cobbled paving pavement pavers paver setts",
    "wood": "wooden timber lumber oak pine",
    "planks": "plank boards board planking parquet decking floorboards floorboard",
    "tiles": "tile",
    "tiled": "tiling",
    "ceramic": "porcelain glazed bathroom kitchen",
    "hexagon": "hexagons hexagonal hex honeycomb",
    "roof": "roofing rooftop roofs",
    "shingles": "shingle shingled slates",
    "dunes": "dune ripples rippled",
    "sand": "sandy beach",
    "earth": "mud dirt clay soil ground muddy",
    "gravel": "pebbles pebble boulders boulder rubble",
    "rock": "rocky rocks stony granite basalt",
    "cliff": "crag bluff cliffs",
    "stone": "stones",
    "terrain": "landscape map aerial relief",
    "islands": "island archipelago isle",
    "water": "sea ocean lake",
    "moon": "lunar asteroid",
    "craters": "crater cratered",
    "lava": "magma volcano volcanic",
    "ice": "icy frozen glacier frost",
    "corrugated": "ribbed",
    "metal": "metallic iron tin aluminium aluminum",
    "woven": "weave wicker knitted basket woollen",
    "fabric": "cloth textile canvas linen burlap",
    "leaves": "leaf foliage",
    "diamond plate": "treadplate checkerplate tread",
    # scenes
    "box": "cube crate block",
    "boxes": "cubes crates blocks",
    "sphere": "ball orb globe",
    "spheres": "balls orbs globes",
    "corridor": "hallway tunnel passage hall aisle",
    "room": "rooms interior indoor indoors inside bedroom living office chamber cell attic",
    "window": "windowed",
    "door": "doorway doors",
    "street": "road alley avenue boulevard lane city town urban downtown village",
    "buildings": "houses house skyscraper skyscrapers townhouses",
    "tall": "highrise lofty",
    "hills": "hill hilly hillside rolling",
    "mountains": "mountain mountainous peaks peak alps alpine",
    "horizon": "plain plains endless infinite",
    "grass": "grassy meadow lawn field",
    "snowy": "snow snowcapped wintry winter",
    "sunset": "dusk sunrise dawn evening",
    "night": "midnight nighttime moonlit",
    "sky": "skies",
    "dark": "dim gloomy unlit",
    "wall": "walling",
    "one": "single 1",
    "two": "pair 2",
    "three": "3",
    "four": "4 5 6 7 8 9 five six seven eight nine ten several many lots dozen",
    "blue sky": "sunny clear cloudless daylight",
    "grey sky": "overcast cloudy foggy misty",
}

#: Words for more objects than a scene can have.
MANY = frozenset("5 6 7 8 9 five six seven eight nine ten several many lots dozen".split())  # noqa: SIM905

#: Everyday word -> canonical word or words. Some are in VOCABULARY themselves: for models with an older one.
SYNONYMS: dict[str, str] = {word: canonical for canonical, group in _GROUPS.items() for word in group.split()}

_STOP = """
a an the of with in on at to for from by is are it its this that and or some very made make as into over under between
please texture textured material pattern picture image photo surface seamless tileable scene view render rendering 3d
realistic photorealistic detailed high quality colored coloured color colour
"""

#: Words that carry nothing here; they are neither known nor unknown.
STOP_WORDS = frozenset(_STOP.split()) - set(VOCABULARY)


def split_words(prompt: str) -> list[str]:
    """Lower-case words and numbers of the prompt, in order; of any script, so that notes quote the user's own."""
    return re.findall(r"[^\W\d_]+|\d+", prompt.lower())


def canonical_word(word: str, vocabulary: Collection[str] = VOCABULARY) -> str | None:
    """The canonical word, or words, for one lower-case word; None where it has none. Plurals are understood."""
    forms = [word, word + "s"]
    if word.endswith("s"):
        forms.append(word[:-1])
    if word.endswith("es"):
        forms.append(word[:-2])
    for form in forms:
        if form in vocabulary:
            return form
        if form in SYNONYMS:
            return SYNONYMS[form]
    return None


def translated(prompt: str, vocabulary: Collection[str] = VOCABULARY) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """The prompt's words, each with its canonical words, in order; and the words that have no meaning here."""
    known: list[tuple[str, list[str]]] = []
    unknown: list[str] = []
    for word in split_words(prompt):
        canonical = canonical_word(word, vocabulary)
        if canonical is not None:
            known.append((word, canonical.split()))
        elif word not in STOP_WORDS:
            unknown.append(word)
    return known, list(dict.fromkeys(unknown))


def canonical_words(prompt: str, vocabulary: Collection[str] = VOCABULARY) -> tuple[list[str], list[str]]:
    """The prompt in words of the vocabulary, in the prompt's order, and the words that have no meaning here."""
    known, unknown = translated(prompt, vocabulary)
    return [canonical for _, words in known for canonical in words], unknown
