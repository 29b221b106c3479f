//go:build unix && !linux

package process

import "syscall"

// dieWithParent can do nothing here: End must be called.
func dieWithParent(a *syscall.SysProcAttr, _ syscall.Signal) *syscall.SysProcAttr { return a }
