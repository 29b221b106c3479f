package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A verb that takes its time says so on stderr until its output begins.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name string
		tty  bool
		work func(c *call)
		want string
	}{
		{"quick", false, func(c *call) { time.Sleep(900 * time.Millisecond) }, ""},
		{"slow, in a pipe", false, func(c *call) { time.Sleep(130 * time.Second) },
			"0:03 and no answer yet, ctrl-c cancels\n0:15 and no answer yet, ctrl-c cancels\n1:00 and no answer yet, ctrl-c cancels\n2:00 and no answer yet, ctrl-c cancels\n"},
		{"slow, on a terminal", true, func(c *call) { time.Sleep(2500 * time.Millisecond) },
			"\r0:01 and no answer yet, ctrl-c cancels\r0:02 and no answer yet, ctrl-c cancels\r" + strings.Repeat(" ", 38) + "\r"},
		{"once output began", false, func(c *call) {
			time.Sleep(4 * time.Second)
			fmt.Fprintln(c.out, "a row")
			time.Sleep(time.Hour)
		}, "0:03 and no answer yet, ctrl-c cancels\na row\n"},
		{"talk does not end it", true, func(c *call) {
			time.Sleep(1500 * time.Millisecond)
			fmt.Fprintln(c.err, "notice: x")
			time.Sleep(time.Second)
		}, "\r0:01 and no answer yet, ctrl-c cancels\r" + strings.Repeat(" ", 38) + "\rnotice: x\n\r0:02 and no answer yet, ctrl-c cancels\r" + strings.Repeat(" ", 38) + "\r"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				one := &call{a: &access{tty: c.tty}, out: &b, err: &b}
				stop := one.follow()
				c.work(one)
				stop()
				if got := b.String(); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}
