package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/recorder"
)

// Events are a transcript's, from the first on: see recorder.Events.
type Events = iter.Seq2[recorder.Event, error]

const (
	defaultWidth, defaultHeight = 80, 24
)

// Cast writes asciicast of version 2 or 3. What has no terminal (statements and
// their answers) is shown as text; operations are markers too.
func Cast(w io.Writer, h recorder.Head, events Events, version int) error {
	c := &cast{w: w, version: version, start: h.Header.Started, last: h.Header.Started}
	if err := c.header(h); err != nil {
		return err
	}
	for e, err := range events {
		if err == nil {
			err = c.event(e)
		}
		if err != nil {
			return fmt.Errorf("export %q: %w", h.ID, err)
		}
	}
	return nil
}

type cast struct {
	w           io.Writer
	version     int
	start, last time.Time
	held        [2][]byte // of input and output: the start of a character
}

func (c *cast) header(h recorder.Head) error {
	width, height := h.Header.Width, h.Header.Height
	if width <= 0 || height <= 0 {
		width, height = defaultWidth, defaultHeight
	}
	title := fmt.Sprintf("%s: %s", h.ID, h.Header.Resource)
	switch c.version {
	case 2:
		return c.line(map[string]any{"version": 2, "width": width, "height": height, "timestamp": c.start.Unix(), "title": title,
			"env": map[string]string{"TERM": h.Header.Term}})
	case 3:
		term := map[string]any{"cols": width, "rows": height}
		if h.Header.Term != "" {
			term["type"] = h.Header.Term
		}
		return c.line(map[string]any{"version": 3, "timestamp": c.start.Unix(), "title": title, "term": term})
	}
	return fmt.Errorf("there is no asciicast of version %d here: 2 or 3", c.version)
}

func (c *cast) line(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := c.w.Write(b.Bytes())
	return err
}

// emit writes one event. Time never goes back.
func (c *cast) emit(at time.Time, code, data string) error {
	at = later(at, c.last)
	since := at.Sub(c.start)
	if c.version == 3 {
		since = at.Sub(c.last)
	}
	c.last = at
	return c.line([]any{json.Number(fmt.Sprintf("%.6f", since.Seconds())), code, data})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (c *cast) event(e recorder.Event) error {
	switch e.Kind {
	case recorder.KindOutput, recorder.KindError:
		return c.stream(e, "o", 1)
	case recorder.KindInput:
		return c.stream(e, "i", 0)
	case recorder.KindResize:
		var r recorder.Resize
		if err := json.Unmarshal(e.Data, &r); err != nil {
			return err
		}
		return c.emit(e.At, "r", fmt.Sprintf("%dx%d", r.Width, r.Height))
	case recorder.KindOperation:
		var op recorder.Operation
		if err := json.Unmarshal(e.Data, &op); err != nil {
			return err
		}
		if err := c.emit(e.At, "m", Clean(op.Text)); err != nil {
			return err
		}
	case recorder.KindEnd:
		if c.version < 3 {
			return nil
		}
		var end recorder.End
		if err := json.Unmarshal(e.Data, &end); err != nil || end.Exit == nil {
			return err
		}
		return c.emit(e.At, "x", fmt.Sprint(*end.Exit))
	}
	text, err := words(e)
	if err != nil || text == "" {
		return err
	}
	return c.emit(e.At, "o", strings.ReplaceAll(text, "\n", "\r\n"))
}

// stream writes raw bytes as text: characters that are cut between events are
// put together, and what is none becomes U+FFFD, as JSON demands.
func (c *cast) stream(e recorder.Event, code string, which int) error {
	b := append(c.held[which], e.Data...)
	n := len(b)
	for i := max(0, n-utf8.UTFMax+1); i < n; i++ {
		if utf8.RuneStart(b[i]) && !utf8.FullRune(b[i:]) {
			n = i
			break
		}
	}
	c.held[which] = bytes.Clone(b[n:])
	if n == 0 {
		return nil
	}
	return c.emit(e.At, code, strings.ToValidUTF8(string(b[:n]), "\ufffd"))
}
