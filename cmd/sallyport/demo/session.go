package demo

import (
	"os"
	"path/filepath"

	"github.com/creack/pty"
	gossh "golang.org/x/crypto/ssh"
)

// session serves one session channel (RFC 4254 section 6): at most one terminal,
// then one program, or file transfer. env, agents and X11 are refused.
func (h *Host) session(ch gossh.Channel, requests <-chan *gossh.Request) {
	defer ch.Close()
	var want terminal
	var p *process
	var files bool
	for r := range requests {
		ok := false
		switch {
		case p != nil && r.Type == "window-change":
			ok = p.resize(parseSize(r.Payload))
		case p != nil && r.Type == "signal":
			ok = p.signal(parseString(r.Payload))
		case p != nil || files: // one program each
		case r.Type == "subsystem" && parseString(r.Payload) == "sftp" && want.size == nil:
			files, ok = true, true
		case r.Type == "pty-req" && want.size == nil:
			want, ok = parsePTY(r.Payload)
		case r.Type == "shell":
			p, ok = h.start(want, "")
		case r.Type == "exec" && parseString(r.Payload) != "":
			p, ok = h.start(want, parseString(r.Payload))
		}
		if r.WantReply {
			_ = r.Reply(ok, nil) // a lost connection ends the loop
		}
		if ok && files {
			h.running.Go(func() { h.serveFiles(ch) })
		}
		if ok && p != nil && !p.serving {
			p.serving = true
			h.running.Go(func() { p.serve(ch) })
		}
	}
	if p != nil {
		p.hangUp()
	}
}

// terminal is what a client asks for; size is nil for none.
type terminal struct {
	term string
	size *pty.Winsize
}

func parsePTY(payload []byte) (terminal, bool) {
	var m struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if gossh.Unmarshal(payload, &m) != nil {
		return terminal{}, false
	}
	return terminal{m.Term, winsize(m.Columns, m.Rows)}, true
}

func parseSize(payload []byte) *pty.Winsize {
	var m struct{ Columns, Rows, Width, Height uint32 }
	if gossh.Unmarshal(payload, &m) != nil {
		return nil
	}
	return winsize(m.Columns, m.Rows)
}

// winsize bounds a size to what fits.
func winsize(columns, rows uint32) *pty.Winsize {
	return &pty.Winsize{Cols: uint16(min(max(columns, 1), 1000)), Rows: uint16(min(max(rows, 1), 1000))}
}

func parseString(payload []byte) string {
	var m struct{ Text string }
	if gossh.Unmarshal(payload, &m) != nil {
		return ""
	}
	return m.Text
}

// environment is all that a program gets: nothing of this process's own.
func (h *Host) environment(term string) []string {
	env := []string{
		"HOME=" + h.home, "USER=" + h.account.name, "LOGNAME=" + h.account.name, "SHELL=" + h.account.shell,
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "LANG=C.UTF-8",
	}
	if term != "" {
		env = append(env, "TERM="+term)
	}
	return env
}

// command is what runs: the login shell, or sh with the command.
func (h *Host) command(text string) (program string, args []string) {
	if text == "" {
		return h.account.shell, []string{filepath.Base(h.account.shell), "-l"}
	}
	return "/bin/sh", []string{"sh", "-c", text}
}

// firstOf is the first of the files that is there.
func firstOf(files ...string) string {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			return f
		}
	}
	return ""
}
