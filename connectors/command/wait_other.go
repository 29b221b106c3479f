//go:build unix && !linux

package command

import (
	"os/exec"
	"syscall"
)

// reap waits for a program, and ends what is left of its group: its children must
// not hold the streams open, nor outlive it.
func reap(cmd *exec.Cmd) {
	_ = cmd.Wait()                                      // the state tells
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // there may be none
}
