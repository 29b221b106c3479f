package tdstest

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"strconv"
)

// Tokens of an answer, MS-TDS 2.2.7.
const (
	tokenColumns     = 0x81
	tokenError       = 0xaa
	tokenInfo        = 0xab
	tokenLoginAck    = 0xad
	tokenRow         = 0xd1
	tokenNBCRow      = 0xd2
	tokenEnvironment = 0xe3
	tokenDone        = 0xfd
	tokenDoneInProc  = 0xff
	tokenDoneProc    = 0xfe
	tokenStatus      = 0x79
)

const (
	doneMore  = 0x0001
	doneError = 0x0002
	doneCount = 0x0010
	doneAttn  = 0x0020
)

const (
	envDatabase  = 1
	envPacket    = 4
	envCollation = 7
	envBegin     = 8
	envCommit    = 9
	envRollback  = 10
	envRouting   = 20
)

// fault is an error or a message of the server.
type fault struct {
	Number       int32
	State, Class byte
	Text         string
}

func (f fault) Error() string { return f.Text }

// collation is Latin1_General with code page 1252.
var collation = []byte{0x09, 0x04, 0xd0, 0x00, 0x34}

// answer writes the tokens of one reply.
type answer struct {
	w    *writer
	text string // the server's name
	proc bool   // within a procedure, as sp_executesql is
}

func (a *answer) put(b ...byte) { _, _ = a.w.Write(b) }

func (a *answer) end() error { return a.w.end() }

// sized is a token whose length goes before it.
func (a *answer) sized(token byte, body []byte) {
	a.put(token)
	a.put(binary.LittleEndian.AppendUint16(nil, uint16(len(body)))...)
	a.put(body...)
}

// short and long are texts with their length in characters before them.
func short(s string) []byte {
	u := utf16le(s)
	return append([]byte{byte(len(u) / 2)}, u...)
}

func long(s string) []byte {
	u := utf16le(s)
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(u)/2)), u...)
}

func (a *answer) fault(f fault) { a.spoken(tokenError, f) }

func (a *answer) info(f fault) { a.spoken(tokenInfo, f) }

func (a *answer) spoken(token byte, f fault) {
	b := binary.LittleEndian.AppendUint32(nil, uint32(f.Number))
	b = append(b, f.State, f.Class)
	b = append(b, long(f.Text)...)
	b = append(b, short(a.text)...)
	b = append(b, 0) // of no procedure
	a.sized(token, binary.LittleEndian.AppendUint32(b, 1))
}

func (a *answer) environment(kind byte, now, before []byte) {
	a.sized(tokenEnvironment, append(append([]byte{kind}, now...), before...))
}

// acknowledge is how a login ends well.
func (a *answer) acknowledge(database string) {
	a.environment(envDatabase, short(database), short("master"))
	a.info(fault{5701, 2, 0, "Changed database context to '" + database + "'."})
	a.environment(envCollation, append([]byte{5}, collation...), []byte{0})
	b := []byte{1, 0x74, 0, 0, 4}
	b = append(b, short("Microsoft SQL Server")...)
	a.sized(tokenLoginAck, append(b, 16, 0, 0x03, 0xe8))
	a.environment(envPacket, short(strconv.Itoa(packetSize)), short(strconv.Itoa(packetSize)))
}

// route sends the client to another address.
func (a *answer) route(address string) {
	host, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	data := []byte{0}
	data = binary.LittleEndian.AppendUint16(data, uint16(n))
	data = append(data, long(host)...)
	now := append(binary.LittleEndian.AppendUint16(nil, uint16(len(data))), data...)
	a.environment(envRouting, now, []byte{0, 0})
}

func (a *answer) done(status uint16, rows uint64) {
	token := byte(tokenDone)
	if a.proc {
		token = tokenDoneInProc
		if status&doneMore == 0 {
			a.token(token, status&^doneError|doneMore, rows)
			a.put(tokenStatus, 0, 0, 0, 0)
			token, status, rows = tokenDoneProc, status&^doneCount, 0
		}
	}
	a.token(token, status, rows)
}

func (a *answer) token(token byte, status uint16, rows uint64) {
	b := []byte{token}
	b = binary.LittleEndian.AppendUint16(b, status)
	command := uint16(0xc1) // SELECT
	if token == tokenDoneProc {
		command = 0xe0
	}
	b = binary.LittleEndian.AppendUint16(b, command)
	a.put(binary.LittleEndian.AppendUint64(b, rows)...)
}

// columnType is one of MS-TDS 2.2.5.4, with how its values are written.
type columnType struct {
	info  []byte
	write func(w io.Writer, v any)
}

var types = map[string]columnType{
	"TINYINT":  {[]byte{0x26, 1}, integer(1)},
	"SMALLINT": {[]byte{0x26, 2}, integer(2)},
	"INT":      {[]byte{0x26, 4}, integer(4)},
	"BIGINT":   {[]byte{0x26, 8}, integer(8)},
	"BIT":      {[]byte{0x68, 1}, integer(1)},
	"FLOAT":    {[]byte{0x6d, 8}, float},
	"NVARCHAR": {append([]byte{0xe7, 0x40, 0x1f}, collation...), nvarchar},
	"VARCHAR":  {append([]byte{0xa7, 0x40, 0x1f}, collation...), varchar},
	"MAX":      {append([]byte{0xe7, 0xff, 0xff}, collation...), nvarcharMax},
	"BINARY":   {[]byte{0xa5, 0xff, 0xff}, binaryMax},
}

func integer(size int) func(io.Writer, any) {
	return func(w io.Writer, v any) {
		n, ok := v.(int64)
		if !ok {
			_, _ = w.Write([]byte{0})
			return
		}
		b := binary.LittleEndian.AppendUint64([]byte{byte(size)}, uint64(n))
		_, _ = w.Write(b[:1+size])
	}
}

func float(w io.Writer, v any) {
	f, ok := v.(float64)
	if !ok {
		_, _ = w.Write([]byte{0})
		return
	}
	_, _ = w.Write(binary.LittleEndian.AppendUint64([]byte{8}, math.Float64bits(f)))
}

func nvarchar(w io.Writer, v any) {
	s, ok := v.(string)
	if !ok {
		_, _ = w.Write([]byte{0xff, 0xff})
		return
	}
	u := utf16le(s)
	u = u[:min(len(u), 8000)]
	_, _ = w.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(u))))
	_, _ = w.Write(u)
}

// varchar writes a text of Latin-1, which is code page 1252 but for a few.
func varchar(w io.Writer, v any) {
	s, ok := v.(string)
	if !ok {
		_, _ = w.Write([]byte{0xff, 0xff})
		return
	}
	b := make([]byte, 2, 2+len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r))
	}
	b = b[:min(len(b), 8002)]
	binary.LittleEndian.PutUint16(b, uint16(len(b)-2))
	_, _ = w.Write(b)
}

func nvarcharMax(w io.Writer, v any) {
	if s, ok := v.(string); ok {
		partly(w, utf16le(s))
		return
	}
	partly(w, nil)
}

func binaryMax(w io.Writer, v any) {
	b, _ := v.([]byte)
	partly(w, b)
}

// partly writes a value in parts; nil is NULL.
func partly(w io.Writer, b []byte) {
	if b == nil {
		_, _ = w.Write(binary.LittleEndian.AppendUint64(nil, math.MaxUint64))
		return
	}
	_, _ = w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(b))))
	for len(b) > 0 {
		n := min(len(b), 8<<10)
		_, _ = w.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		_, _ = w.Write(b[:n])
		b = b[n:]
	}
	_, _ = w.Write([]byte{0, 0, 0, 0})
}

// column is one of an answer.
type column struct{ name, kind string }

func (a *answer) columns(list []column) {
	a.put(tokenColumns)
	a.put(binary.LittleEndian.AppendUint16(nil, uint16(len(list)))...)
	for _, c := range list {
		a.put(0, 0, 0, 0, 0x09, 0) // user type; nullable and updatable
		a.put(types[c.kind].info...)
		a.put(short(c.name)...)
	}
}

// row writes one; a row with many nulls goes by their bitmap, as a server does it.
func (a *answer) row(list []column, values []any) {
	nulls := make([]byte, (len(values)+7)/8)
	n := 0
	for i, v := range values {
		if v == nil {
			nulls[i/8] |= 1 << (i % 8)
			n++
		}
	}
	compressed := 2*n >= len(values) && n > 0
	if compressed {
		a.put(tokenNBCRow)
		a.put(nulls...)
	} else {
		a.put(tokenRow)
	}
	for i, v := range values {
		if compressed && v == nil {
			continue
		}
		types[list[i].kind].write(a.w, v)
	}
}
