//go:build unix

package postgres

import "syscall"

// workerAttr keeps a terminal's ctrl-c, meant for the server, from its workers.
func workerAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// limitProcess forbids core files, which would hold statements, and bounds
// memory where that can be done.
func limitProcess() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	if addressSpace == 0 {
		return nil
	}
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: addressSpace, Max: addressSpace})
}
