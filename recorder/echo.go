package recorder

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// maxHeld bounds the input that waits for its echo, in bytes. More than that is
// hidden: nothing is recorded in clear for want of room.
const maxHeld = 8 << 10

// Tape is what an Echo records to: a Transcript.
type Tape interface {
	Record(ctx context.Context, k Kind, payload any) error
	Stream(ctx context.Context, k Kind, data []byte) error
}

var _ Tape = (*Transcript)(nil)

// Echo keeps passwords out of the record of a terminal. SSH does not tell whether
// the target echoes, so it is inferred: what is typed up to Enter is held until
// the target answers. An answer that begins with what was typed, or any that a
// password prompt does not give (a line drawn anew, a cursor moved), shows that
// keys are no secret. Silence, and one character again and again, shows that they
// are: then a Hidden takes their place.
//
// It is a heuristic. Who turns the echo off hides what is typed afterwards, though
// the record says that and how much; a prompt that prints parts of a secret, or
// redraws itself without looking like one, gives it away.
//
// Held input reaches the target before the record; it is recorded before the
// output that decides about it. Echo is safe for concurrent use; NewEcho makes one.
type Echo struct {
	t   Tape
	now func() time.Time

	mu     sync.Mutex
	held   []key  // typed and not decided
	size   int    // of held
	shown  bool   // this line is echoed
	prompt bool   // the last line of the output asks for a secret
	line   []byte // the last line of the output, its end
	mask   rune   // the character shown for each key so far
	esc    escapes
}

// key is one that was typed: a character, a control, or an escape sequence.
type key struct {
	b  []byte
	at time.Time
}

// char says whether it is a character: a part of what a secret may be.
func (k key) char() bool { return k.b[0] >= 0x20 && k.b[0] != 0x7f }

// ends says whether it ends a line: Enter, or giving up.
func (k key) ends() bool {
	c := k.b[0]
	return c == '\r' || c == '\n' || c == 0x03 || c == 0x04
}

// keys takes input apart. An ESC that nothing follows is a key.
func (e *Echo) keys(b []byte) (out []key) {
	at := e.now()
	for len(b) > 0 {
		n := 1
		switch {
		case b[0] == 0x1b && len(b) > 2 && b[1] == '[':
			for n = 2; n < len(b) && (b[n] < 0x40 || b[n] > 0x7e); n++ {
			}
			n = min(n+1, len(b))
		case b[0] == 0x1b && len(b) > 2 && b[1] == 'O':
			n = 3
		case b[0] >= utf8.RuneSelf:
			_, n = utf8.DecodeRune(b)
		}
		out = append(out, key{bytes.Clone(b[:n]), at})
		b = b[n:]
	}
	return out
}

// NewEcho returns an Echo that records to t. now is the clock; nil means time.Now.
func NewEcho(t Tape, now func() time.Time) *Echo {
	if now == nil {
		now = time.Now
	}
	return &Echo{t: t, now: now}
}

// Input takes what was typed, on its way to the target.
func (e *Echo) Input(ctx context.Context, b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var through []byte
	for _, k := range e.keys(b) {
		if e.shown || len(e.held) == 0 && !k.char() {
			through = append(through, k.b...)
			e.shown = e.shown && !k.ends()
			continue
		}
		e.held = append(e.held, k)
		e.size += len(k.b)
	}
	if len(through) > 0 { // before what is held: it was typed before
		if err := e.t.Stream(ctx, KindInput, through); err != nil {
			return err
		}
	}
	if e.size >= maxHeld {
		return e.hide(ctx, len(e.held))
	}
	return nil
}

// Output takes what the target shows, decides about what is held, and records
// both, the input first.
func (e *Echo) Output(ctx context.Context, k Kind, b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	plain := e.esc.strip(b)
	if len(e.held) > 0 && len(b) > 0 {
		if err := e.decide(ctx, b, plain); err != nil {
			return err
		}
	}
	e.remember(plain)
	return e.t.Stream(ctx, k, b)
}

// decide looks at the answer to what is held.
func (e *Echo) decide(ctx context.Context, b, plain []byte) error {
	if i := slices.IndexFunc(e.held, key.ends); i >= 0 {
		// Enter was pressed before any answer: an echo would come first.
		if e.begins(plain) {
			return e.release(ctx)
		}
		if len(bytes.Trim(plain, "\a\x00")) == 0 {
			return nil // nothing to be read yet
		}
		for ; i >= 0; i = slices.IndexFunc(e.held, key.ends) {
			if err := e.hide(ctx, i+1); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case e.begins(plain) && !e.masking(plain):
		return e.release(ctx)
	case e.masking(plain), e.prompt:
		return nil
	case asks(append(bytes.Clone(e.line), plain...)):
		return nil // typed ahead of the prompt
	}
	return e.release(ctx)
}

// first is the first character that is held.
func (e *Echo) first() rune {
	for _, k := range e.held {
		if k.char() {
			r, _ := utf8.DecodeRune(k.b)
			return r
		}
	}
	return 0
}

// begins says whether an answer starts with what was typed.
func (e *Echo) begins(plain []byte) bool {
	got, _ := utf8.DecodeRune(bytes.TrimLeft(plain, "\r\b\a"))
	return got >= ' ' && got == e.first()
}

// masking says whether an answer is what stands for keys of a secret: the same
// character for each, or taking it back.
func (e *Echo) masking(plain []byte) bool {
	rest := bytes.ReplaceAll(plain, []byte("\b \b"), nil)
	if len(rest) == 0 {
		return len(plain) > 0 && !e.held[len(e.held)-1].char()
	}
	first, n := utf8.DecodeRune(rest)
	if e.mask != 0 && first != e.mask {
		return false
	}
	if first < ' ' || first == ' ' || len(bytes.ReplaceAll(rest, rest[:n], nil)) > 0 {
		return false
	}
	typed := e.first()
	if first == typed && !bytes.ContainsRune([]byte("*•●·∗.x"), first) {
		return false // the key itself
	}
	e.mask = first
	return true
}

// remember keeps the end of the output's last line, where prompts stand.
func (e *Echo) remember(plain []byte) {
	if len(plain) == 0 {
		return
	}
	e.line = append(e.line, plain...)
	if i := bytes.LastIndexAny(e.line, "\r\n"); i >= 0 {
		e.line = append(e.line[:0], e.line[i+1:]...)
	}
	if n := len(e.line) - 200; n > 0 {
		e.line = append(e.line[:0], e.line[n:]...)
	}
	if len(e.held) == 0 || asks(e.line) {
		e.prompt = asks(e.line)
	}
}

var secretPrompt = regexp.MustCompile(`(?i)(passw|passphrase|passcode|\bpin\b|secret|token|\botp\b|verification|kennwort|mot de passe)[^\r\n]{0,100}[:?>] ?$`)

// asks says whether a line asks for a secret.
func asks(line []byte) bool {
	if i := bytes.LastIndexAny(line, "\r\n"); i >= 0 {
		line = line[i+1:]
	}
	return secretPrompt.Match(line)
}

// release records what is held as it was typed.
func (e *Echo) release(ctx context.Context) error {
	var b []byte
	e.shown = true
	for _, k := range e.held {
		b = append(b, k.b...)
		e.shown = !k.ends()
	}
	e.forget(len(e.held))
	return e.t.Stream(ctx, KindInput, b)
}

// hide records that n keys were typed, and not which, but for the one that ends
// them.
func (e *Echo) hide(ctx context.Context, n int) error {
	keys := e.held[:n]
	var end []byte
	if last := keys[n-1]; last.ends() {
		end, keys = last.b, keys[:n-1]
	}
	h := Hidden{Keys: len(keys)}
	for _, k := range keys {
		h.Times = append(h.Times, k.at.Sub(keys[0].at).Milliseconds())
		clear(k.b)
	}
	e.forget(n)
	if h.Keys > 0 {
		if err := e.t.Record(ctx, KindHidden, h); err != nil {
			return err
		}
	}
	if len(end) == 0 {
		return nil
	}
	return e.t.Stream(ctx, KindInput, end)
}

// forget drops the first n keys that are held.
func (e *Echo) forget(n int) {
	e.held, e.mask, e.size = append([]key(nil), e.held[n:]...), 0, 0
	for _, k := range e.held {
		e.size += len(k.b)
	}
}

// Close records what is still held: as hidden, since nothing echoed it.
func (e *Echo) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.held) > 0 {
		n := slices.IndexFunc(e.held, key.ends) + 1
		if n == 0 {
			n = len(e.held)
		}
		if err := e.hide(ctx, n); err != nil {
			return err
		}
	}
	return nil
}
