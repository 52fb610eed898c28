"""The words as data: canonical ones, and what people write for them. words.py reads it; nothing else does."""

from __future__ import annotations

#: Every word that a caption can contain. Made from the generator's materials and scenes: a test says what is missing.
CANONICAL = """
and ashlar asphalt autumn azulejo bamboo bark barrel basket beach beige birch black blue board bond box boxes brass
brick bridge brown brushed buildings burnt canyon carbon cardboard carpet castle cave ceramic chain checkered chevron
chipboard circuit cliff coarse cobblestones columns concrete copper coral corduroy cork corridor corrugated courtyard
cracked craters cyan dark denim dented desert diamond dirty door dragon dunes dusty earth end english fabric facade
fence fibre fine fish flagstones flemish floor foam forest formed four fur glass glowing gold grain granite grass
grating gravel green grey hammered herringbone hexagon hills honeycomb horizon ice in islands ivy knitted large lava
layered leather leaves library limestone linen logs long mahogany mail maple marble meadow metal misty moon mosaic
moss mossy mountains mud narrow needles night oak old on one onyx orange painted pale panel paper parquet patina
paving pebbles peeling penny perforated pier pine pink planks plaster plastic plate polished purple quilted rammed red
ribbed rippled riveted road rock roof room rope rough rubble running rust rusty sand sandstone scale scales scifi
scratched sea sheet shelves shingles short silk sky slate small snow snowy soil solar sphere spheres sponge stack
stained stairs steel stone straw street stucco subway sunset tall tan tartan teal temple terracotta terrain terrazzo
thatch the three tiled tiles to tower travertine two under veined velvet veneer village wall walls walnut water waves
wedge wet white wicker wide window with wood wool woven yellow
"""

#: Canonical words <- what people write for them. A group may name several words, and words that are canonical too are
#: then what is meant by them where a vocabulary lacks them.
GROUPS = {
    # colours
    "red": "scarlet crimson ruby maroon burgundy vermilion reddish cherry wine blood",
    "brown": "chocolate umber sepia brownish chestnut coffee tawny russet auburn hazel",
    "grey": "gray greyish grayish silver silvery ash ashen smoky",
    "white": "ivory whitish snowwhite chalk chalky milky alabaster pearl whitewashed",
    "black": "ebony charcoal blackish anthracite jet inky sooty obsidian",
    "yellow": "golden yellowish lemon mustard amber ochre saffron honey",
    "orange": "tangerine orangey apricot peach pumpkin",
    "green": "emerald olive lime greenish jade mint sage verdant",
    "blue": "azure navy cobalt bluish indigo ultramarine sapphire royal cerulean",
    "tan": "khaki caramel fawn buff tannish camel",
    "purple": "violet lilac lavender magenta plum mauve aubergine amethyst",
    "pink": "rose salmon fuchsia pinkish rosy blush",
    "teal": "petrol",
    "beige": "cream creamy ecru oatmeal taupe vanilla",
    "cyan": "turquoise aqua aquamarine skyblue",
    # size
    "small": "tiny little mini miniature smaller minute",
    "large": "big huge giant larger gigantic enormous massive bold oversized",
    "narrow": "thin slim slender skinny",
    "wide": "broad thick",
    "fine": "delicate tight",
    "coarse": "chunky loose bulky",
    # wear
    "old": "aged ancient weathered worn antique vintage rustic reclaimed distressed faded bleached eroded derelict "
    "abandoned ruined shabby used battered",
    "rough": "rugged crude irregular uneven bumpy lumpy",
    "wet": "rainy damp moist soaked soaking slick dewy humid drenched",
    "dusty": "dust powdery",
    "dirty": "grimy filthy grubby soiled messy",
    "scratched": "scratch scratches scuffed scraped",
    "dented": "dent dents bent beaten buckled warped",
    "polished": "shiny glossy varnished lacquered waxed gleaming smooth mirror sleek reflective",
    "burnt": "burned charred scorched singed carbonised",
    "peeling": "flaking flaked chipped peeled crumbling damaged",
    "mossy": "overgrown lichen lichened algae",
    "rusty": "rusted corroded oxidised oxidized",
    "layered": "stratified sedimentary strata layers banded bedded",
    "cracked": "cracks crack broken fractured crackled shattered split",
    "cracked earth": "dried parched arid drought",
    "pale": "light pastel bright faint",
    "glowing": "molten burning fiery incandescent",
    # pattern and making
    "checkered": "checker checkerboard chequered checked chess chessboard",
    "fish scale": "scalloped",
    "herringbone": "zigzag",
    "chevron": "chevrons",
    "basket": "baskets basketry",
    "stack": "stacked",
    "bond": "bonds bonded",
    "woven": "weave woollen plaited braided",
    "veined": "veins vein veining carrara calacatta",
    "rippled": "ripples ripple rippling",
    "ribbed": "ribs grooved fluted",
    "perforated": "holes punched",
    "hammered": "hammer planished",
    "brushed": "",
    "riveted": "rivets rivet bolted bolts studded",
    "painted": "paint paintwork enamelled",
    "formed": "formwork shuttered shuttering cast precast",
    "board": "boarded",
    "panel": "panels panelling panelled paneling",
    # wood
    "oak": "oaken teak elm hickory",
    "pine": "knotty spruce fir larch cedar conifer coniferous",
    "walnut": "wenge",
    "birch": "beech poplar aspen ashwood",
    "mahogany": "rosewood sapele",
    "bamboo": "cane canes",
    "wood": "wooden timber lumber hardwood softwood",
    "planks": "plank boards planking decking floorboards floorboard clapboard siding slats decked",
    "parquet": "parquetry",
    "veneer": "plywood laminate burl",
    "fence": "fencing fences palisade picket",
    "logs": "log firewood woodpile",
    "end grain": "stump stumps treering",
    "chipboard": "osb particleboard mulch woodchip woodchips chips",
    # stone and earth
    "brick": "bricks brickwork masonry",
    "cobblestones": "cobblestone cobbles cobble cobbled setts",
    "paving": "pavement pavers paver paved slabs pavings",
    "flagstones": "flagstone flags slab crazy",
    "rubble": "fieldstone drystone",
    "ashlar": "cinderblock cinderblocks",
    "rammed": "pise",
    "plaster": "plastered gypsum drywall whitewash",
    "stucco": "roughcast pebbledash",
    "concrete": "cement cementitious",
    "terracotta": "earthenware",
    "tiles": "tile",
    "tiled": "tiling",
    "ceramic": "porcelain glazed",
    "hexagon": "hexagons hexagonal hex",
    "honeycomb": "beehive honeycombs",
    "subway": "metro",
    "mosaic": "mosaics tesserae smalti",
    "azulejo": "azulejos moroccan portuguese encaustic delft majolica patterned",
    "glass": "glazing leaded",
    "roof": "roofing rooftop roofs roofed",
    "shingles": "shingle shingled slates",
    "barrel": "pantile pantiles spanish mediterranean",
    "thatch": "thatched thatching",
    "straw": "hay stubble",
    "needles": "needle",
    "dunes": "dune",
    "sand": "sandy",
    "beach": "seaside seashore shore coast coastal shoreline",
    "earth": "clay ground adobe",
    "soil": "dirt loam topsoil humus compost",
    "mud": "muddy sludge mire",
    "gravel": "boulders boulder grit scree",
    "pebbles": "pebble",
    "rock": "rocky rocks stony basalt cliffside",
    "cliff": "crag bluff cliffs",
    "stone": "stones stonework",
    "onyx": "agate",
    "marble": "marbled",
    "slate": "schist shale",
    "asphalt": "tarmac bitumen blacktop macadam",
    "road": "roadway highway motorway line lines marking markings",
    "terrain": "landscape map aerial relief",
    "islands": "island archipelago isle",
    "water": "lake puddles puddle pool pond river stream creek brook",
    "sea": "ocean seas",
    "waves": "wave wavy swell surf",
    "moon": "lunar asteroid",
    "craters": "crater cratered",
    "lava": "magma volcano volcanic",
    "ice": "icy frozen glacier frost frosty",
    # metal
    "metal": "metallic iron tin aluminium aluminum zinc alloy",
    "steel": "chrome stainless galvanised galvanized nickel titanium",
    "brass": "bronze",
    "gold": "gilded gilt",
    "rust": "rusting",
    "sheet": "sheets sheeting",
    "patina": "verdigris patinated",
    "mail": "chainmail chainmaille",
    "chain": "chains",
    "grating": "grate grates mesh grille walkway grid lattice",
    "plate": "plates",
    "diamond plate": "treadplate checkerplate tread",
    # cloth
    "fabric": "cloth textile textiles upholstery tablecloth curtain",
    "knitted": "knit knitting crochet crocheted sweater jumper pullover",
    "wool": "woolly yarn",
    "denim": "jeans twill",
    "linen": "canvas burlap hessian jute sackcloth cotton tweed",
    "tartan": "plaid",
    "velvet": "velour plush",
    "silk": "satin silky",
    "carpet": "carpeting rug",
    "quilted": "quilt padded tufted",
    "corduroy": "cord",
    "fur": "furry pelt",
    "leather": "suede hide",
    # plants and beasts
    "leaves": "leaf foliage",
    "ivy": "vines vine creeper",
    "grass": "grassy lawn turf field fields",
    "meadow": "meadows pasture flowers flower daisies daisy blossom wildflowers clover",
    "forest": "woods woodland forests jungle twigs twig",
    "dragon": "reptile lizard crocodile snakeskin snake",
    "coral": "corals",
    # other stuffs
    "wicker": "rattan",
    "rope": "ropes cordage hemp",
    "cork": "corkboard",
    "cardboard": "carton kraft",
    "paper": "parchment papers crumpled",
    "sponge": "sponges",
    "foam": "acoustic soundproof",
    "wedge": "wedges",
    "plastic": "rubber vinyl polymer acrylic pvc",
    "fibre": "fiber",
    "scifi": "spaceship futuristic cyberpunk spacecraft hull",
    "circuit": "motherboard pcb circuitry electronic",
    "solar": "photovoltaic",
    "facade": "facades",
    # scenes
    "box": "cube crate block",
    "boxes": "cubes crates blocks",
    "sphere": "ball orb globe",
    "spheres": "balls orbs globes",
    "corridor": "hallway tunnel passage hall aisle",
    "room": "rooms interior indoor indoors inside bedroom living office chamber cell attic kitchen bathroom",
    "window": "windowed windows",
    "door": "doorway doors",
    "street": "alley avenue boulevard lane city town urban downtown",
    "buildings": "houses house skyscraper skyscrapers townhouses",
    "tall": "highrise lofty",
    "hills": "hill hilly hillside rolling",
    "mountains": "mountain mountainous peaks peak alps alpine",
    "horizon": "plain plains endless infinite",
    "snowy": "snowcapped wintry winter",
    "sunset": "dusk sunrise dawn evening",
    "night": "midnight nighttime moonlit starry stars",
    "sky": "skies",
    "dark": "dim gloomy unlit",
    "wall": "walling",
    "one": "single 1",
    "two": "pair 2",
    "three": "3",
    "four": "4 5 6 7 8 9 five six seven eight nine ten several many lots dozen",
    "blue sky": "sunny clear cloudless daylight",
    "grey sky": "overcast cloudy",
    "misty": "foggy fog mist hazy haze",
    "autumn": "autumnal fall",
    "trees": "tree trunks trunk",
    "canyon": "gorge ravine canyons",
    "stairs": "staircase stairway steps stair",
    "temple": "shrine sanctuary",
    "columns": "column pillars pillar colonnade",
    "cave": "cavern grotto caves",
    "village": "hamlet cottage cottages farmhouse",
    "library": "bookshop bookstore",
    "shelves": "shelf bookshelves bookshelf bookcase bookcases books",
    "bridge": "viaduct aqueduct bridges",
    "pier": "jetty dock wharf boardwalk",
    "castle": "fortress citadel medieval castles keep",
    "tower": "towers turret",
    "courtyard": "yard",
}

#: Two words that together mean what neither does alone.
COMPOUNDS = {
    "dry stone": "rubble wall", "field stone": "rubble wall", "field stones": "rubble wall", "rough stone": "rubble wall",
    "stone blocks": "ashlar wall", "stone block": "ashlar wall", "cut stone": "ashlar wall", "castle wall": "ashlar wall",
    "castle walls": "ashlar wall castle", "concrete blocks": "concrete ashlar wall", "concrete block": "concrete ashlar wall",
    "cinder block": "concrete ashlar wall", "cinder blocks": "concrete ashlar wall", "breeze blocks": "concrete ashlar wall",
    "crazy paving": "flagstones", "stepping stones": "flagstones", "paving stones": "paving", "paving stone": "paving",
    "roof tiles": "barrel roof tiles", "roof tile": "barrel roof tiles", "roofing tiles": "barrel roof tiles",
    "clay tiles": "terracotta barrel roof tiles", "slate tiles": "slate roof",
    "wood chips": "brown chipboard", "wood chip": "brown chipboard", "particle board": "chipboard", "cork board": "cork",
    "tree bark": "bark", "tree trunk": "bark", "tree stump": "end grain", "tree rings": "end grain", "tree end": "end grain",
    "pine cone": "pine", "pine needles": "pine needles", "fire wood": "logs", "wood pile": "logs",
    "river pebbles": "pebbles", "river stones": "pebbles", "river rocks": "pebbles", "river rock": "pebbles",
    "beach pebbles": "pebbles", "beach stones": "pebbles",
    "kitchen tiles": "ceramic tiles", "bathroom tiles": "ceramic tiles", "round tiles": "penny tiles", "penny round": "penny", "hex tiles": "hexagon tiles", "scallop tiles": "fish scale tiles",
    "fish scales": "fish scale", "snake skin": "dragon scales", "reptile skin": "dragon scales", "crocodile skin": "dragon scales",
    "metro tiles": "subway tiles", "zellige tiles": "subway tiles", "chain link": "chain mail", "tread plate": "diamond plate",
    "checker plate": "diamond plate", "cast iron": "metal", "stainless steel": "steel", "sheet steel": "sheet metal",
    "carbon fiber": "carbon fibre", "bubble wrap": "plastic", "brushed steel": "brushed steel metal",
    "cable knit": "knitted wool", "honey comb": "honeycomb", "brain coral": "coral", "ocean waves": "sea waves",
    "forest ground": "forest floor", "fallen leaves": "leaves", "dead leaves": "brown leaves", "autumn leaves": "orange leaves",
    "maple leaves": "maple leaves", "wild flowers": "meadow", "wheat field": "yellow grass", "corn field": "yellow grass",
    "moss covered": "mossy", "rust covered": "rusty", "dust covered": "dusty", "paint peeling": "peeling painted",
    "snow covered": "with snow", "ivy covered": "with ivy", "leaf covered": "with leaves", "sand covered": "with sand",
    "oil stained": "dirty", "water stained": "dirty", "office building": "facade buildings", "circuit board": "circuit board",
    "solar panel": "solar panel", "solar panels": "solar panel", "plank floor": "planks floor", "dark age": "old",
    "ice floe": "ice", "salt flat": "white cracked earth", "mud flats": "cracked earth", "dried mud": "cracked earth",
    "dry mud": "cracked earth", "dry lake": "cracked earth", "dry earth": "cracked earth", "dry soil": "cracked earth",
    "dry grass": "yellow grass", "stained glass": "stained glass", "leaded glass": "stained glass", "rock wall": "rock cliff",
    "book shelves": "shelves", "book shelf": "shelves", "court yard": "courtyard", "sea shore": "beach", "log cabin": "village",
}  # fmt: skip

#: What a canonical word is for a vocabulary that lacks it. What is in no group and not here such a model does not know.
FALLBACKS = {
    "oak": "wood", "pine": "wood", "birch": "wood", "walnut": "brown", "mahogany": "brown", "copper": "orange", "gold": "yellow",
    "terracotta": "orange", "steel": "grey", "slate": "grey", "onyx": "black", "sandstone": "beige", "granite": "rock",
    "concrete": "grey", "parquet": "planks", "boards": "planks", "board": "planks", "paving": "cobblestones", "pebbles": "gravel",
    "rubble": "gravel", "soil": "earth", "mud": "earth", "beach": "sand", "sea": "water", "rippled": "dunes", "wicker": "woven",
    "knitted": "woven", "basket": "woven", "linen": "fabric", "honeycomb": "hexagon", "ribbed": "corrugated", "rust": "rusty",
    "moss": "mossy", "snow": "snowy", "village": "street", "road": "street", "meadow": "grass", "field": "grass",
    "misty": "grey sky", "round": "fish scale", "office": "room",
}  # fmt: skip

#: Words that meant something else to the models whose vocabulary is older: what they were trained with.
FORMERLY = {}

#: Words that carry style and nothing to be seen here, and those that only join others; neither known nor unknown.
SILENT = """
a an the of with in on at to for from by is are it its this that and or some very made make as into over under between
please texture textured material pattern picture image photo surface seamless tileable scene view render rendering 3d
realistic photorealistic detailed high quality colored coloured color colour
8k 4k 2k 16k k hd uhd pbr cgi octane unreal engine blender cycles vray photoreal photographic photography photograph
highly ultra hyper hyperrealistic hyperreal sharp focus crisp professional resolution res hires ultrahd cinematic
masterpiece best beautiful nice lovely amazing stunning gorgeous award winning trending artstation tiling repeating
repeatable tileset texturing albedo diffuse basecolor basecolour map maps normal roughness displacement height depth
background backdrop wallpaper closeup close up shot photoscan scanned scan photogrammetry substance designer generic
top down front flat lay macro good fresh typical ordinary simple style styled like look looking going
through covered among dry skin round counter raw marks mark path row rows fallen cooled entrance going up style beneath above along against near next around onto upon
"""
