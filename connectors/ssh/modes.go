package ssh

import (
	"encoding/binary"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

const (
	maxModes = 4 << 10 // bytes of encoded terminal modes that are looked at
	maxSide  = 1000    // cells of a terminal
	maxTerm  = 64
)

// sanitizeModes decodes terminal modes (RFC 4254 section 8) and encodes those
// that RFC 4254 and RFC 8160 define, the last value of each, in the order of
// first appearance. Opcodes from 160 on end the list, as the RFC says; what is
// truncated is dropped.
func sanitizeModes(raw []byte) []byte {
	raw = raw[:min(len(raw), maxModes)]
	at := map[byte]int{} // opcode → where its value is in out
	var out []byte
	for len(raw) >= 5 && raw[0] != 0 && raw[0] < 160 {
		op, value := raw[0], raw[1:5]
		raw = raw[5:]
		if !definedMode(op) {
			continue
		}
		if i, ok := at[op]; ok {
			copy(out[i:i+4], value)
			continue
		}
		at[op] = len(out) + 1
		out = append(append(out, op), value...)
	}
	return append(out, 0)
}

// definedMode reports whether an opcode is in the tables of RFC 4254 section 8
// (VINTR..VDISCARD, IGNPAR..IMAXBEL, ISIG..PENDIN, OPOST..ONOEOT, CS7..PARODD,
// speeds) or is RFC 8160's IUTF8.
func definedMode(op byte) bool {
	return op >= 1 && op <= 18 || op >= 30 && op <= 42 || op >= 50 && op <= 62 ||
		op >= 70 && op <= 75 || op >= 90 && op <= 93 || op == 128 || op == 129
}

// sanitizeTerm is TERM as terminfo names it; a target may use it in a path.
func sanitizeTerm(term string) string {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+-._", r)
	}
	if term == "" || len(term) > maxTerm || term[0] == '.' || strings.ContainsFunc(term, func(r rune) bool { return !ok(r) }) {
		return "dumb"
	}
	return term
}

// clamp bounds a size to what programs can bear. 0x0, which scripts send, is
// 80x24.
func clamp(s connectors.Size) connectors.Size {
	if s == (connectors.Size{}) {
		return connectors.Size{Width: 80, Height: 24}
	}
	return connectors.Size{Width: min(max(s.Width, 1), maxSide), Height: min(max(s.Height, 1), maxSide)}
}

// ptyRequest is the payload of pty-req (RFC 4254 section 6.2).
func ptyRequest(t connectors.Terminal) []byte {
	s := clamp(t.Size)
	return gossh.Marshal(struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}{sanitizeTerm(t.Term), uint32(s.Width), uint32(s.Height), 0, 0, string(sanitizeModes(t.Modes))})
}

// windowChange is the payload of window-change (RFC 4254 section 6.7).
func windowChange(s connectors.Size) []byte {
	b := make([]byte, 0, 16)
	for _, v := range []int{s.Width, s.Height, 0, 0} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}
