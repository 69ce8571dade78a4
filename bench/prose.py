"""English of any length with a fact in every paragraph that stands nowhere else; the same each time."""

import itertools
import random

NAMES = [first + last for first, last in itertools.product(
    "Ab Bram Cor Dun El Far Gil Har Il Jor Kel Lan Mor Nor Or Pel Quil Ros Sel Tol Ul Ver Wen Yar Zel".split(),
    "beck bury combe croft dale field ford gate ham hurst leigh low mere more ness ridge shaw stead thorpe ton wick "
    "win worth yard".split())]  # 600
THINGS = """house boat road letter garden lamp winter field river window market church bridge ladder kitchen mill barrel
    clock harbour orchard table curtain saddle stable tower fountain chapel quarry ferry lantern anchor cellar meadow
    organ ledger bakery kettle hammer compass oar rope sail pump wagon harness loom anvil spade cradle mirror bell
    flute drum basket candle chest carpet cupboard drawer fiddle gutter hedge inkwell jug kiln lever mast needle oven
    pulley quilt rudder scythe thimble trough urn valve whistle yoke""".split()
QUALITIES = """old new long small green heavy quiet broken narrow bright cold golden hollow crooked famous wooden rusty
    empty gentle painted slender stubborn silver ragged""".split()
DEEDS = """sold mended carried painted lost found measured praised borrowed buried counted moved guarded hid built
    cleaned drew forgot inherited polished""".split()
PLACES = """the town hall|the shore|the old quarter|the school|the upper valley|the islands|the station|the fair|
    the lighthouse|the abbey|the forest|the northern road|the canal|the works""".replace("\n    ", "").split("|")
GOODS = "amber barley cobalt damask ebony flax ginger hemp indigo juniper linen marble nutmeg oats pepper saffron".split()
SENTENCES = 8  # of a paragraph, with its fact: about 150 words, as many as a passage of the server has


def common_first(words):
    """The weights of `words` as in natural language: the nth is used 1/n as often as the first."""
    return list(itertools.accumulate(1 / n for n in range(1, len(words) + 1)))


def who(number):
    """A name that only paragraph `number` has."""
    return f"{NAMES[number % 600]} {NAMES[number // 600 * 7 % 600]}"


def guineas(number):
    return 1000 + number * 7919 % 899_981


def question(number):
    return f"For how many guineas did {who(number)} sell the {GOODS[number % len(GOODS)]}?"


def answers(number, passage):
    return f"for {guineas(number)} guineas" in passage


def paragraphs(count):
    """The first `count` paragraphs."""
    chance = random.Random(1871)
    weights = [common_first(words) for words in (THINGS, QUALITIES, DEEDS, PLACES)]

    def some(words, number, count):
        return iter(chance.choices(words, cum_weights=weights[number], k=count))

    for number in range(count):
        things, qualities = some(THINGS, 0, 3 * SENTENCES), some(QUALITIES, 1, 2 * SENTENCES)
        deeds, places = some(DEEDS, 2, SENTENCES), some(PLACES, 3, SENTENCES)
        sentences = [f"Then they {next(deeds)} the {next(qualities)} {next(things)} near {next(places)}, for the {next(things)} "
                     f"was {next(qualities)}, though the {next(things)} was not."
                     for _ in range(SENTENCES - 1)]
        sentences.insert(number % SENTENCES, f"In that year {who(number)} sold the {GOODS[number % len(GOODS)]} for "
                                             f"{guineas(number)} guineas.")
        yield " ".join(sentences)


def document(count):
    return "\n\n".join(paragraphs(count)).encode()
