//go:build unix && !linux

package clickserver

import "syscall"

// dieWithParent can do nothing here: Stop must be called.
func dieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
