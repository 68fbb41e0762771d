"""Texts, JSON and bytes that are nearly right, drawn by a random.Random."""

import copy
import json

NUMBERS = (
    '0', '-1', '1', '2', '00', '007', '-0', '+1', '1.5', '1.', '.5', '4294967295', '4294967296', '-2147483649',
    '9223372036854775807', '9223372036854775808', '9' * 40, '-' + '9' * 40, '9' * 5000, '1e400', '-1e400', 'nan', 'inf',
    '-inf', '1e-400', '1e-320', '1e30', '1e-38', '0x10', '1_000', '1e3', '\u0663', '\u00bd', '', ' ', ' 1', '1 ',
    '1,5', 'None', 'true', '1;2', '--', '1e', '++1', '1000000000')
PIECES = (
    '.', '@', '-', '_', '/', '..', '../', ',', '(', ')', '=', ' ', '\t', '\n', '\0', '\\', '"', "'", '$', '%', '{',
    '}', '*', '?', '~', '~x', '#', '\u00e9', '\u0301', '\u202e', '\U0001f600', '\udcff', '\x1b[31m', 'all', 'x',
    'X', 'A', '<', '|', '&', ';', ':')
TAGS = ('labeled', 'unlabeled', 'no_', 'CTA', 'seed=', 'probe=', 'depth=', 'th=', 'decay=', 'rac', 'r2_10_50', 'ra',
        'usb', 'aa', 'd', 'm', 'sm', 'smc', 'mnist', 'toys', 'digits')
# What may stand in JSON where something else should.
ODD = (None, True, False, 0, 1, -1, 3, 2 ** 31, 2 ** 63, 10 ** 30, -10 ** 30, 1.5, 1e308, float('nan'), float('inf'),
       '', 'x', 'toys', '\0', 'a\0b', '\ud800', '../../x', 'x' * 5000, '\u0663', [], [1], [[]], ['x'], [None], {},
       {'a': 1}, {'': {}})


def text(random, valid):
    """One of some texts, changed at some places."""
    found = random.choice(valid)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 8))):
        found = random.choice(EDITS)(random, found)
    return found


def number(random, near=()):
    """A text that may be a number, often one beside those that are given."""
    if near and random.random() < 0.5:
        at = random.choice(near)
        return repr(random.choice((at, at, -at, at + 1, at - 1, at + 1e-6, at - 1e-6, at * 2, at / 2, at * 1e30)))
    return random.choice(NUMBERS)


def _place(random, found):
    return random.randint(0, len(found))


def _delete(random, found):
    start = _place(random, found)
    return found[:start] + found[start + random.choice((1, 1, 2, 5)):]


def _insert(random, found):
    place = _place(random, found)
    return found[:place] + random.choice(PIECES + TAGS) + found[place:]


def _swap(random, found):
    a, b = sorted((_place(random, found), _place(random, found)))
    return found[:a] + found[b:b + 1] + found[a + 1:b] + found[a:a + 1] + found[b + 1:]


def _number(random, found):
    places = [i for i, character in enumerate(found) if character.isdigit()]
    if not places:
        return found + random.choice(NUMBERS)
    place = random.choice(places)
    return found[:place] + random.choice(NUMBERS) + found[place + 1:]


def _double(random, found):
    a, b = sorted((_place(random, found), _place(random, found)))
    return found[:b] + found[a:b] * random.choice((1, 1, 3, 50)) + found[b:]


def _other(random, found):
    return random.choice(('', found.upper(), found[::-1], found * 2, found + '.' * 300, 'x' * 3000, found.strip('0')))


EDITS = _delete, _insert, _insert, _swap, _number, _number, _double, _other


def json_text(random, content):
    """Bytes of a JSON document, like one of `content`, with something else at some places, or damaged as a text."""
    found = copy.deepcopy(content)
    for _ in range(random.choice((0, 1, 1, 1, 2, 4))):
        found = _tree(random, found)
    encoded = json.dumps(found, indent=random.choice((None, 2))).encode()
    if random.random() < 0.1:
        encoded = random.choice((b'', b'\xef\xbb\xbf' + encoded, encoded.decode().encode('utf-16'), b'[' * 10 ** 5,
                                 encoded + encoded, b'9' * 5000, b'{"a": 1, "a": 2}', encoded.replace(b'"', b"'"),
                                 b'null', encoded + b'\0'))
    return data(random, encoded) if random.random() < 0.3 else encoded


def _odd(random):
    return copy.deepcopy(random.choice(ODD))  # It may be changed, too.


def _tree(random, found):
    """A tree with one place changed."""
    if not isinstance(found, (list, dict)) or not found or random.random() < 0.1:
        return _odd(random)
    keys = list(found) if isinstance(found, dict) else range(len(found))
    key = random.choice(keys)
    action = random.random()
    if action < 0.5:
        found[key] = _tree(random, found[key])
    elif action < 0.7:
        found[key] = _odd(random)
    elif action < 0.8:
        del found[key]
    elif isinstance(found, dict):
        found[random.choice(('', 'x', 'train', 'unlabeled', '\0', 'y' * 300, *keys))] = _odd(random)
    else:
        found.insert(key, _odd(random))
    return found


def data(random, content, regions=None):
    """Bytes with some of them changed, taken away or added.

    Args:
        regions: list of (first byte, end), one of which is changed; all bytes unless given.
    """
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        first, end = random.choice(regions) if regions else (0, len(found))
        first, end = min(first, len(found)), min(end, len(found))
        a = random.randint(first, max(first, end - 1))
        b = min(len(found), a + random.choice((1, 1, 2, 4, 8, 64)))
        action = random.randint(0, 8)
        if action <= 2 and a < len(found):
            found[a] ^= 1 << random.randint(0, 7)
        elif action == 3:
            found[a:b] = bytes(random.randint(0, 255) for _ in range(b - a))
        elif action == 4:
            found[a:b] = random.choice((b'\0', b'\xff')) * (b - a)
        elif action == 5:
            del found[a:b]
        elif action == 6:
            found[a:a] = bytes(random.randint(0, 255) for _ in range(random.choice((1, 4, 100))))
        elif action == 7 and random.random() < 0.5:
            del found[a:]
        elif action == 8:
            found[a:a] = found[a:b]
    return bytes(found)
