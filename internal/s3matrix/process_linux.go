package s3matrix

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the test binary ends without
// having stopped it: a panic, a timeout, a kill.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
