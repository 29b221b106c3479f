package process

import "syscall"

// dieWithParent asks the kernel to end the program when this process ends, however it
// ends.
func dieWithParent(a *syscall.SysProcAttr, s syscall.Signal) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Pdeathsig = s
	return a
}
