//go:build unix

package demo

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// straggler is a process of a session, with the time it was started at so that
// its number cannot be taken for another's.
type straggler struct {
	pid     int
	started string
}

// stragglers are the processes whose session is sid, by /proc (proc(5)); none
// where there is no /proc. A shell puts each job into a process group of its own,
// and one that is just being started is neither in the terminal's foreground nor
// in the shell's group: a hang-up would miss it.
func stragglers(sid int) []straggler {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var out []straggler
	for _, file := range stats {
		if s, session, ok := readStat(file); ok && session == sid {
			out = append(out, s)
		}
	}
	return out
}

// readStat reads a process's number, start and session. The name before them is
// in parentheses and may hold anything.
func readStat(file string) (s straggler, session int, ok bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return s, 0, false
	}
	text := string(b)
	number, _, _ := strings.Cut(text, " ")
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const sessionField, startField = 3, 19 // counted from the state, which is field 3 of stat
	if len(f) <= startField {
		return s, 0, false
	}
	pid, err1 := strconv.Atoi(number)
	session, err2 := strconv.Atoi(f[sessionField])
	return straggler{pid, f[startField]}, session, err1 == nil && err2 == nil
}

// signal sends a signal, unless the process has ended since.
func (s straggler) signal(sig syscall.Signal) {
	if now, _, ok := readStat(filepath.Join("/proc", strconv.Itoa(s.pid), "stat")); ok && now == s {
		_ = syscall.Kill(s.pid, sig) // it may end just now
	}
}
