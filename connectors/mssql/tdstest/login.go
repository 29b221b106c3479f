package tdstest

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// What the two sides say of encryption, MS-TDS 2.2.6.5.
const (
	encryptOff    = 0
	encryptOn     = 1
	encryptNotSup = 2
	encryptReq    = 3
)

const (
	optionVersion    = 0
	optionEncryption = 1
	optionMARS       = 4
	optionEnd        = 0xff
)

// prelogin reads the client's and answers it. It returns what both agreed on.
func (s *session) prelogin() (encryption byte, err error) {
	m, err := readMessage(s.conn)
	if err != nil {
		return 0, err
	}
	if m.kind != preloginMessage {
		return 0, fmt.Errorf("message %d in place of a pre-login", m.kind)
	}
	encryption = agreed(asked(m.body), s.server.options.TLS != nil, s.server.options.RequireTLS)
	w := newWriter(s.conn, replyMessage)
	_, _ = w.Write(preloginAnswer(encryption))
	return encryption, w.end()
}

// asked is what a pre-login says of encryption.
func asked(body []byte) byte {
	for at := 0; at+5 <= len(body) && body[at] != optionEnd; at += 5 {
		from := int(binary.BigEndian.Uint16(body[at+1:]))
		if body[at] == optionEncryption && from < len(body) {
			return body[from]
		}
	}
	return encryptNotSup
}

// agreed is the table of MS-TDS 2.2.6.5.
func agreed(asked byte, can, must bool) byte {
	switch {
	case !can:
		return encryptNotSup
	case must:
		return encryptReq
	case asked == encryptOn:
		return encryptOn
	case asked == encryptNotSup:
		return encryptNotSup
	}
	return encryptOff
}

func preloginAnswer(encryption byte) []byte {
	options := []struct {
		token byte
		data  []byte
	}{
		{optionVersion, []byte{16, 0, 0x03, 0xe8, 0, 0}},
		{optionEncryption, []byte{encryption}},
		{optionMARS, []byte{0}},
	}
	at := 5*len(options) + 1
	var head, data []byte
	for _, o := range options {
		head = append(head, o.token)
		head = binary.BigEndian.AppendUint16(head, uint16(at+len(data)))
		head = binary.BigEndian.AppendUint16(head, uint16(len(o.data)))
		data = append(data, o.data...)
	}
	return append(append(head, optionEnd), data...)
}

// shaking is the line while TLS shakes hands within TDS packets: what is written is
// one message, which leaves before anything is read.
type shaking struct {
	net.Conn
	in    bytes.Buffer
	out   bytes.Buffer
	plain bool // the hands are shaken
}

func (c *shaking) Read(b []byte) (int, error) {
	if c.plain {
		return c.Conn.Read(b)
	}
	if err := c.send(); err != nil {
		return 0, err
	}
	if c.in.Len() == 0 {
		m, err := readMessage(c.Conn)
		if err != nil {
			return 0, err
		}
		if m.kind != preloginMessage {
			return 0, fmt.Errorf("message %d within a TLS handshake", m.kind)
		}
		c.in.Write(m.body)
	}
	return c.in.Read(b)
}

func (c *shaking) Write(b []byte) (int, error) {
	if c.plain {
		return c.Conn.Write(b)
	}
	return c.out.Write(b)
}

func (c *shaking) send() error {
	if c.out.Len() == 0 {
		return nil
	}
	w := newWriter(c.Conn, preloginMessage)
	_, _ = w.Write(c.out.Bytes())
	c.out.Reset()
	return w.end()
}

// secure makes the line one of TLS. SQL Server has no later version here than 1.2,
// which ends with a word of the server's, so that both know where packets end.
func secure(conn net.Conn, config *tls.Config) (*tls.Conn, error) {
	config = config.Clone()
	config.MaxVersion = tls.VersionTLS12
	line := &shaking{Conn: conn}
	c := tls.Server(line, config)
	if err := c.Handshake(); err != nil {
		_ = line.send() // the alert
		return nil, err
	}
	if err := line.send(); err != nil {
		return nil, err
	}
	line.plain = true
	return c, nil
}

// login is what a LOGIN7 says.
type login struct {
	user, password, database, app, host string
	readOnly                            bool
}

const (
	loginHead      = 94 // of LOGIN7 from TDS 7.2 on
	readOnlyIntent = 0x20
)

func parseLogin(b []byte) (l login, err error) {
	if len(b) < loginHead {
		return l, errShort
	}
	field := func(at int) string {
		from, n := int(binary.LittleEndian.Uint16(b[at:])), 2*int(binary.LittleEndian.Uint16(b[at+2:]))
		if from+n > len(b) {
			err = errShort
			return ""
		}
		return string(b[from : from+n])
	}
	text := func(at int) string { return fromUTF16([]byte(field(at))) }
	l.host, l.user, l.app, l.database = text(36), text(40), text(48), text(68)
	password := []byte(field(44))
	for i, c := range password {
		c ^= 0xa5
		password[i] = c<<4 | c>>4
	}
	l.password = fromUTF16(password)
	l.readOnly = b[26]&readOnlyIntent != 0
	return l, err
}

// signIn reads the login and answers it.
func (s *session) signIn() error {
	m, err := readMessage(s.line)
	if err != nil {
		return err
	}
	if m.kind != loginMessage {
		return fmt.Errorf("message %d in place of a login", m.kind)
	}
	if s.login, err = parseLogin(m.body); err != nil {
		return err
	}
	if s.after != nil {
		s.line = s.after // the login alone was to be hidden
	}
	o := s.server.options
	a := s.answer()
	switch {
	case s.login.user != o.Login || s.login.password != o.Password:
		a.fault(fault{18456, 1, 14, "Login failed for user '" + s.login.user + "'."})
	case s.login.database != o.Database:
		a.fault(fault{4060, 1, 11, `Cannot open database "` + s.login.database + `" requested by the login. The login failed.`})
	case o.RawLogin != nil:
		_, _ = a.w.Write(o.RawLogin)
		return a.end()
	case o.Route != "":
		a.acknowledge(s.login.database)
		a.route(o.Route)
		a.done(0, 0)
		return a.end()
	default:
		a.acknowledge(s.login.database)
		a.done(0, 0)
		return a.end()
	}
	a.done(doneError, 0)
	_ = a.end()
	return errors.New("the login was refused")
}
