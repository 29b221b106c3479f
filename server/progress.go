package server

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress tells on stderr that a verb is still at it, and for how long, until the
// first of its output. On a terminal that is a line that is written over, from the
// first second on; elsewhere a few lines, further and further apart, so that a log
// does not fill with them.
type progress struct {
	w    io.Writer // stderr
	live bool
	now  func() time.Time

	mu    sync.Mutex // guards what follows and every write
	began time.Time
	drawn int  // cells of the line that is there now
	over  bool // output began
}

// ticks are when a line is written where none can be written over; then each minute.
var ticks = []time.Duration{3 * time.Second, 15 * time.Second, time.Minute}

// exactVerbs print what a program prints, and nothing beside it.
var exactVerbs = map[string]bool{"exec": true, "run": true, "shell": true, "kube": true, "watch": true, "help": true}

// follow lets a call's writers tell of its progress. stop ends that.
func (c *call) follow() (stop func()) {
	p := &progress{w: c.err, live: c.a.tty, now: time.Now}
	p.began = p.now()
	c.out, c.err = &told{p, c.out, true}, &told{p, c.err, false}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		p.run(done)
	}()
	return func() {
		close(done)
		<-ended
		p.mu.Lock()
		defer p.mu.Unlock()
		p.erase()
	}
}

func (p *progress) run(done <-chan struct{}) {
	for i := 0; ; i++ {
		t := time.NewTimer(p.next(i))
		select {
		case <-t.C:
		case <-done:
			t.Stop()
			return
		}
		if !p.tell() {
			return
		}
	}
}

// next is how long after the last line the next one comes.
func (p *progress) next(i int) time.Duration {
	switch {
	case p.live:
		return time.Second
	case i == 0:
		return ticks[0]
	case i < len(ticks):
		return ticks[i] - ticks[i-1]
	}
	return time.Minute
}

// tell writes how long it has taken; false says that there is no more to tell.
func (p *progress) tell() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	d := p.now().Sub(p.began).Round(time.Second)
	line := fmt.Sprintf("%d:%02d and no answer yet, ctrl-c cancels", int(d.Minutes()), int(d.Seconds())%60)
	if !p.live {
		_, err := fmt.Fprintln(p.w, line)
		return err == nil
	}
	p.drawn = len(line)
	_, err := io.WriteString(p.w, "\r"+line)
	return err == nil
}

// erase takes the line away. The caller holds p.mu.
func (p *progress) erase() {
	if p.drawn > 0 {
		_, _ = io.WriteString(p.w, "\r"+strings.Repeat(" ", p.drawn)+"\r") // the client is there or gone
		p.drawn = 0
	}
}

// told is a verb's stdout or stderr.
type told struct {
	p   *progress
	w   io.Writer
	out bool
}

func (t *told) Write(b []byte) (int, error) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.p.erase()
	if t.out {
		t.p.over = true
	}
	return t.w.Write(b)
}
