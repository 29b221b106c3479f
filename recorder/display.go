package recorder

import (
	"encoding/json"
	"time"
)

// Display is where the output of a session is drawn.
type Display interface {
	Write(output []byte)
	Resize(width, height int)
}

// Drawn says whether a session had a terminal's screen: its size then.
func (h Header) Drawn() (width, height int, ok bool) {
	if h.Action != "shell" && h.Action != "exec" {
		return 0, 0, false
	}
	if h.Width <= 0 || h.Height <= 0 {
		return 80, 24, true
	}
	return h.Width, h.Height, true
}

// Prologue is what has to be drawn before a session's output. Without a terminal
// between them, a program ends its lines by a line feed alone, which a screen must be
// told to take for the beginning of the next.
func (h Header) Prologue() []byte {
	if h.Action == "exec" {
		return []byte("\x1b[20h")
	}
	return nil
}

// Draw draws what an event changes on the screen.
func Draw(d Display, e Event) {
	switch e.Kind {
	case KindStart:
		var h Header
		if json.Unmarshal(e.Data, &h) == nil {
			d.Write(h.Prologue())
		}
	case KindOutput, KindError:
		d.Write(e.Data)
	case KindResize:
		var r Resize
		if json.Unmarshal(e.Data, &r) == nil {
			d.Resize(r.Width, r.Height)
		}
	}
}

// Snapshot is what a session's screen was at a moment: a way not to draw all that
// came before it. It is no evidence; that is the events.
type Snapshot struct {
	// Next is the number of the event after the last one that is drawn.
	Next uint64
	// At is the latest time of these.
	At time.Time
	// State is the screen, in the form of who draws.
	State []byte
}
