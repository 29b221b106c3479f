package mysql

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// The client's side of MySQL's protocol once one is signed in. Packets are three
// bytes of length, little-endian, a sequence number, and the payload; one of
// 16 MiB - 1 goes on in the next.
const (
	comQuit      = 0x01
	comQuery     = 0x03
	comPing      = 0x0e
	comPrepare   = 0x16
	comStmtClose = 0x19

	headOK    = 0x00
	headLocal = 0xfb
	headEOF   = 0xfe
	headErr   = 0xff

	packetMax   = 1<<24 - 1
	maxRow      = 64 << 20 // one row on its way here
	maxReply    = 1 << 20  // any other packet
	maxColumns  = 10_000
	statusTrans = 0x0001
	statusMore  = 0x0008
)

// wire is the line to the target. It is used by one goroutine at a time.
type wire struct {
	nc  net.Conn
	r   *bufio.Reader
	seq uint8
	buf []byte
	// status and warnings are what the target said last.
	status   uint16
	warnings uint16
	broken   bool
}

func newWire(nc net.Conn) *wire { return &wire{nc: nc, r: bufio.NewReaderSize(nc, 32<<10)} }

// refusal is an error that the target sent.
type refusal struct {
	code  uint16
	state string
	text  string
}

func (r *refusal) Error() string { return fmt.Sprintf("error %d: %s", r.code, r.text) }

func malformed(what string) error { return fmt.Errorf("%w: %s", connectors.ErrProtocol, what) }

// read returns the next packet's payload, valid until the next call.
func (w *wire) read(limit int) ([]byte, error) {
	w.buf = w.buf[:0]
	for {
		var head [4]byte
		if _, err := io.ReadFull(w.r, head[:]); err != nil {
			w.broken = true
			return nil, err
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		if head[3] != w.seq {
			w.broken = true
			return nil, malformed("a packet out of sequence")
		}
		w.seq++
		if len(w.buf)+n > limit {
			w.broken = true
			return nil, malformed(fmt.Sprintf("a packet of more than %d MiB", limit>>20))
		}
		from := len(w.buf)
		if cap(w.buf) < from+n {
			w.buf = append(make([]byte, 0, max(from+n, 2*cap(w.buf))), w.buf...)
		}
		w.buf = w.buf[:from+n]
		if _, err := io.ReadFull(w.r, w.buf[from:]); err != nil {
			w.broken = true
			return nil, err
		}
		if n < packetMax {
			return w.buf, nil
		}
	}
}

// command sends one command.
func (w *wire) command(cmd byte, arg string) error {
	w.seq = 0
	payload := append(make([]byte, 4, 5+len(arg)), cmd)
	payload = append(payload, arg...)
	n := len(payload) - 4
	if n >= packetMax {
		return fmt.Errorf("%w: a statement of more than 16 MiB", connectors.ErrUnsupported)
	}
	payload[0], payload[1], payload[2], payload[3] = byte(n), byte(n>>8), byte(n>>16), 0
	w.seq = 1
	if _, err := w.nc.Write(payload); err != nil {
		w.broken = true
		return err
	}
	return nil
}

// done is the end of a statement without rows.
type done struct{ affected uint64 }

// reply reads the answer to a command: the count of columns that follow, or the
// end of a statement that has none.
func (w *wire) reply() (columns int, d done, err error) {
	p, err := w.read(maxReply)
	if err != nil {
		return 0, d, err
	}
	c := cursor{p: p}
	switch head := c.byte(); head {
	case headOK:
		d.affected = c.number()
		c.number() // the last id
		w.status, w.warnings = c.uint16(), c.uint16()
		return 0, d, w.sound(c)
	case headErr:
		return 0, d, refused(p)
	case headLocal, headEOF:
		// LOAD DATA LOCAL asks for a file of ours, although that was not offered.
		w.broken = true
		return 0, d, malformed("an answer that was not asked for")
	}
	c = cursor{p: p}
	n := c.number()
	if c.bad || n == 0 || n > maxColumns || c.i != len(p) {
		w.broken = true
		return 0, d, malformed("an answer with an impossible number of columns")
	}
	return int(n), d, nil
}

func (w *wire) sound(c cursor) error {
	if c.bad {
		w.broken = true
		return malformed("a packet that ends too early")
	}
	return nil
}

// refused reads an error packet.
func refused(p []byte) error {
	c := cursor{p: p, i: 1}
	r := &refusal{code: c.uint16(), state: "HY000"}
	if c.i < len(p) && p[c.i] == '#' && len(p) >= c.i+6 {
		r.state = strings.ToValidUTF8(string(p[c.i+1:c.i+6]), "?")
		c.i += 6
	}
	if c.bad {
		return malformed("an error that ends too early")
	}
	r.text = strings.ToValidUTF8(string(p[c.i:min(len(p), c.i+64<<10)]), "?")
	return r
}

// field describes a column as the target does.
type field struct {
	schema, table, orgTable, name, orgName string
	charset                                uint16
	length                                 uint32
	typ                                    byte
	flags                                  uint16
}

// fields reads n descriptions and the packet that ends them.
func (w *wire) fields(n int) ([]field, error) {
	out := make([]field, 0, n)
	for range n {
		p, err := w.read(maxReply)
		if err != nil {
			return nil, err
		}
		c := cursor{p: p}
		c.text() // the catalog, "def"
		f := field{schema: c.text(), table: c.text(), orgTable: c.text(), name: c.text(), orgName: c.text()}
		if c.number() != 12 {
			c.bad = true
		}
		f.charset, f.length, f.typ, f.flags = c.uint16(), c.uint32(), c.byte(), c.uint16()
		if err := w.sound(c); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	p, err := w.read(maxReply)
	if err != nil {
		return nil, err
	}
	if !w.ends(p) {
		w.broken = true
		return nil, malformed("a description of columns that does not end")
	}
	return out, nil
}

// ends reports whether a packet is the one that ends descriptions or rows.
func (w *wire) ends(p []byte) bool {
	if len(p) == 0 || len(p) >= 9 || p[0] != headEOF {
		return false
	}
	c := cursor{p: p, i: 1}
	w.warnings, w.status = c.uint16(), c.uint16()
	return !c.bad
}

// row reads the next row into vals; io.EOF ends them. What vals hold is valid until
// the next call.
func (w *wire) row(vals []connectors.Value) error {
	p, err := w.read(maxRow)
	if err != nil {
		return err
	}
	if len(p) > 0 && p[0] == headErr {
		return refused(p)
	}
	if w.ends(p) {
		return io.EOF
	}
	c := cursor{p: p}
	for i := range vals {
		vals[i].Bytes, vals[i].Null = c.bytes()
	}
	if c.bad || c.i != len(p) {
		w.broken = true
		return malformed("a row that does not fit its columns")
	}
	return nil
}

// run sends a statement that has no rows, or whose rows do not matter.
func (w *wire) run(text string) error {
	_, err := w.rows(text, 0)
	return err
}

// rows runs a statement of the gate's own and returns at most limit rows as text;
// more are an error where limit is not 0.
func (w *wire) rows(text string, limit int) ([][]string, error) {
	if err := w.command(comQuery, text); err != nil {
		return nil, err
	}
	n, _, err := w.reply()
	if err != nil || n == 0 {
		return nil, err
	}
	if _, err := w.fields(n); err != nil {
		return nil, err
	}
	var out [][]string
	vals := make([]connectors.Value, n)
	for {
		err := w.row(vals)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case limit > 0 && len(out) >= limit:
			w.broken = true // it is not worth reading on
			return nil, malformed("more rows than there can be")
		case limit == 0:
			continue
		}
		row := make([]string, n)
		for i, v := range vals {
			row[i] = string(v.Bytes)
		}
		out = append(out, row)
	}
}

// cursor reads a packet. What does not fit sets bad.
type cursor struct {
	p   []byte
	i   int
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.p)-c.i {
		c.bad, c.i = true, len(c.p)
		return nil
	}
	c.i += n
	return c.p[c.i-n : c.i : c.i]
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// number is a number of one to nine bytes.
func (c *cursor) number() uint64 {
	switch b := c.byte(); b {
	case 0xfc:
		return uint64(c.uint16())
	case 0xfd:
		if b := c.take(3); b != nil {
			return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
		}
		return 0
	case 0xfe:
		if b := c.take(8); b != nil {
			return binary.LittleEndian.Uint64(b)
		}
		return 0
	case 0xfb, 0xff:
		c.bad = true
		return 0
	default:
		return uint64(b)
	}
}

// bytes is a value, or NULL.
func (c *cursor) bytes() (b []byte, null bool) {
	if c.i < len(c.p) && c.p[c.i] == 0xfb {
		c.i++
		return nil, true
	}
	n := c.number()
	if n > maxRow {
		c.bad = true
		return nil, false
	}
	if b = c.take(int(n)); b == nil && !c.bad {
		b = []byte{}
	}
	return b, false
}

func (c *cursor) text() string {
	b, null := c.bytes()
	if null {
		c.bad = true
	}
	return strings.ToValidUTF8(string(b), "?")
}
