package shellfacts

import "github.com/sallyport/sallyport/policy"

// ReadFile is what reading the contents of a file is, and why where that is more
// than a read. The path is absolute.
func ReadFile(path string) (policy.Class, string) { return readOf(known(path)).plain() }

// WriteFile is what changing a file is, and why where that is more than a write.
func WriteFile(path string) (policy.Class, string) { return writeOf(known(path)).plain() }

// RemoveFile is what the loss of a file is or, with deep, of all below a directory.
func RemoveFile(path string, deep bool) (policy.Class, string) {
	return removeOf(known(path), deep).plain()
}

func (f found) plain() (policy.Class, string) { return f.class, f.why }
