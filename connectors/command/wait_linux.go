package command

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// reap waits for a program, and ends what is left of its group: its children must
// not hold the streams open, nor outlive it. They are ended before it is reaped,
// since its number may be another group's from then on.
func reap(cmd *exec.Cmd) {
	for errors.Is(unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // there may be none
	_ = cmd.Wait()                                      // the state tells
}
