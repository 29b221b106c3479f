package mongodb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
)

// The wire protocol: a message is a head of four numbers (length, its own id, the id
// that it answers, what it is) and, for OP_MSG, flags and sections. A command and its
// answer are one section of kind 0, a document.
const (
	headLen  = 16
	opMsg    = 2013
	kindBody = 0
	// maxMessage is the most that the protocol allows, by which memory is bounded.
	maxMessage = 48_000_000
	// maxNesting is more than a document may have at a server, which is 180 at most.
	maxNesting = 200
)

// wire is one line to the target. It is used by one goroutine at a time.
type wire struct {
	nc net.Conn
	br *bufio.Reader
	id int32
	// connection is the session's number at the target, name what it calls itself there.
	connection int64
	name       string
	broken     bool
	buf        []byte
}

func newWire(nc net.Conn) *wire { return &wire{nc: nc, br: bufio.NewReaderSize(nc, 32<<10)} }

func malformed(what string) error { return fmt.Errorf("%w: %s", connectors.ErrProtocol, what) }

var errLost = errors.New("the line to it was lost before")

// ask sends a command for a database and reads the answer, which is valid until the
// next one is read.
func (w *wire) ask(cmd bsoncore.Document, db string) (bsoncore.Document, error) {
	if err := w.send(cmd, db); err != nil {
		return nil, err
	}
	return w.read()
}

func (w *wire) send(cmd bsoncore.Document, db string) error {
	if w.broken {
		return errLost
	}
	if len(cmd) < 5 {
		return malformed("a command that is no document")
	}
	w.id++
	b := make([]byte, headLen+5, headLen+5+len(cmd)+len(db)+16)
	b = append(b, cmd[:len(cmd)-1]...)
	b = append(bsoncore.AppendStringElement(b, "$db", db), 0)
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(len(b)))
	le.PutUint32(b[4:], uint32(w.id))
	le.PutUint32(b[12:], opMsg)
	b[headLen+4] = kindBody
	le.PutUint32(b[headLen+5:], uint32(len(b)-headLen-5))
	if _, err := w.nc.Write(b); err != nil {
		w.broken = true
		return err
	}
	return nil
}

func (w *wire) read() (bsoncore.Document, error) {
	d, err := w.message()
	if err != nil {
		w.broken = true
	}
	return d, err
}

func (w *wire) message() (bsoncore.Document, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(w.br, head[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	n := int64(int32(le.Uint32(head[0:])))
	switch {
	case le.Uint32(head[12:]) != opMsg:
		return nil, malformed("it does not answer in MongoDB's protocol")
	case n < headLen+4+1+5 || n > maxMessage:
		return nil, malformed(fmt.Sprintf("an answer of %d bytes", n))
	case int32(le.Uint32(head[8:])) != w.id:
		return nil, malformed("an answer to what was not asked")
	}
	if err := w.fill(int(n) - headLen); err != nil {
		return nil, err
	}
	if flags := le.Uint32(w.buf); flags&^(1<<16) != 0 { // exhaustAllowed says nothing
		return nil, malformed("an answer in a form that was not agreed on")
	}
	if w.buf[4] != kindBody {
		return nil, malformed("an answer in parts that were not agreed on")
	}
	d := bsoncore.Document(w.buf[5:])
	if err := check(d, 0); err != nil {
		return nil, err
	}
	return d, nil
}

// fill reads n bytes; the memory grows as they come, whatever was announced.
func (w *wire) fill(n int) error {
	if cap(w.buf) > 4<<20 {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	for len(w.buf) < n {
		step := min(n-len(w.buf), max(64<<10, len(w.buf)))
		from := len(w.buf)
		if cap(w.buf) < from+step {
			grown := make([]byte, from, from+step)
			copy(grown, w.buf)
			w.buf = grown
		}
		w.buf = w.buf[:from+step]
		if _, err := io.ReadFull(w.br, w.buf[from:]); err != nil {
			return err
		}
	}
	return nil
}

// check finds what is no document, and nesting that nobody should follow.
func check(d []byte, depth int) error {
	if depth > maxNesting {
		return malformed("an answer is nested too deeply")
	}
	n, _, ok := bsoncore.ReadLength(d)
	if !ok || int(n) != len(d) || n < 5 || d[n-1] != 0 {
		return malformed("an answer that is no document")
	}
	rest := d[4:]
	for len(rest) > 1 {
		e, next, ok := bsoncore.ReadElement(rest)
		if !ok {
			return malformed("an answer that is no document")
		}
		if err := checkValue(e, depth); err != nil {
			return err
		}
		rest = next
	}
	if len(rest) != 1 {
		return malformed("an answer that is no document")
	}
	return nil
}

func checkValue(e bsoncore.Element, depth int) error {
	v, err := e.ValueErr()
	if err != nil {
		return malformed("an answer that is no document")
	}
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return check(v.Data, depth+1)
	case bsoncore.TypeCodeWithScope:
		_, scope, ok := v.CodeWithScopeOK()
		if !ok {
			return malformed("an answer that is no document")
		}
		return check(scope, depth+1)
	}
	if !readable(v) {
		return malformed("an answer that is no document")
	}
	return nil
}

// readable reports whether a scalar is one of its type: the library panics where it is
// not.
func readable(v bsoncore.Value) (ok bool) {
	if v.Validate() != nil {
		return false
	}
	switch v.Type {
	case bsoncore.TypeString:
		_, ok = v.StringValueOK()
	case bsoncore.TypeSymbol:
		_, ok = v.SymbolOK()
	case bsoncore.TypeJavaScript:
		_, ok = v.JavaScriptOK()
	case bsoncore.TypeDouble:
		_, ok = v.DoubleOK()
	case bsoncore.TypeInt32:
		_, ok = v.Int32OK()
	case bsoncore.TypeInt64:
		_, ok = v.Int64OK()
	case bsoncore.TypeBoolean:
		_, ok = v.BooleanOK()
	case bsoncore.TypeDateTime:
		_, ok = v.DateTimeOK()
	case bsoncore.TypeObjectID:
		_, ok = v.ObjectIDOK()
	case bsoncore.TypeTimestamp:
		_, _, ok = v.TimestampOK()
	case bsoncore.TypeDecimal128:
		_, _, ok = v.Decimal128OK()
	case bsoncore.TypeBinary:
		_, _, ok = v.BinaryOK()
	case bsoncore.TypeRegex:
		_, _, ok = v.RegexOK()
	case bsoncore.TypeDBPointer:
		_, _, ok = v.DBPointerOK()
	case bsoncore.TypeNull, bsoncore.TypeUndefined, bsoncore.TypeMinKey, bsoncore.TypeMaxKey:
		ok = true
	}
	return ok
}
