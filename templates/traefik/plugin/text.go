package gate

import "strings"

// Characters that a text may consist of. What is asked here is answered by compiled code: Yaegi takes about a
// microsecond for each turn of a loop, and a token has hundreds of bytes.
const (
	decimals     = "0123456789"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	letters      = upperLetters + lowerLetters
	alnum        = letters + decimals
	nameBytes    = alnum + "_-"
	tokenBytes   = alnum + "._~+/=-"
	subjectBytes = alnum + "@._:+-"
	pathBytes    = alnum + "-_.~$&+,/:;=@"
	visibleBytes = alnum + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	controlBytes = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
		"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f"
)

// only says whether every byte of a text is one of the set's; an empty text has none that is not.
func only(text string, set string) bool { return strings.Trim(text, set) == "" }

func hasControl(text string) bool { return strings.ContainsAny(text, controlBytes) }

func cut(text string, size int) string {
	if len(text) > size {
		return text[:size]
	}
	return text
}
