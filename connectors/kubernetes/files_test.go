package kubernetes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/policy"
)

// inPod is a folder as a container of web-1 names it, and the same folder here.
func inPod(t *testing.T, container string) (path, local string) {
	t.Helper()
	local, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return "/shop/web-1/" + container + local, local
}

func filesOf(c *Conn) connectors.Filer { return c.Files() }

// get reads a file as a client does.
func get(f connectors.Filer, g connectors.Guard, p string) (_ []byte, err error) {
	o, err := f.OpenFile(context.Background(), g, connectors.FileCall{Do: connectors.ReadFile, Path: p})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(o, 0, 1<<40))
	return b, errors.Join(err, o.Close())
}

// put writes a file in pieces, of which each two change places.
func put(f connectors.Filer, g connectors.Guard, p string, content []byte, piece int, set ...connectors.FileAttributes) error {
	o, err := f.OpenFile(context.Background(), g, connectors.FileCall{Do: connectors.WriteFile, Path: p, Create: true, Truncate: true})
	if err != nil {
		return err
	}
	var at []int
	for i := 0; i < len(content); i += piece {
		at = append(at, i)
	}
	for i := 0; i+1 < len(at); i += 2 {
		at[i], at[i+1] = at[i+1], at[i]
	}
	for _, i := range at {
		if _, werr := o.WriteAt(content[i:min(i+piece, len(content))], int64(i)); werr != nil {
			err = werr
			break
		}
	}
	for _, a := range set {
		err = errors.Join(err, o.Set(a))
	}
	return errors.Join(err, o.Close())
}

// boxes are containers with GNU's programs and with BusyBox's.
func boxes(t *testing.T) []string {
	t.Helper()
	s := theCluster(t)
	if _, err := exec.LookPath("busybox"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("busybox is missing: testdata/tools/need.sh installs it")
		}
		t.Log("busybox is missing: testdata/tools/need.sh installs it; GNU's programs alone are tried")
		return []string{"app"}
	}
	for _, name := range []string{"readlink", "stat", "find", "tar", "dd", "mv", "rm", "chmod", "chown", "touch", "mkdir"} {
		if err := s.Program("web-1", "side", name, "exec busybox "+name+" \"$@\"\n"); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"app", "side"}
}

// Files go there and back byte for byte with their hashes on record, whatever their
// size and names, with the programs of GNU and of BusyBox.
func TestFiles(t *testing.T) {
	for n, box := range boxes(t) {
		g := &connectortest.Guard{}
		f := filesOf(dial(t, g, kubetest.Admin))
		dir, local := inPod(t, box)
		for name, size := range map[string]int{"empty": 0, "small": 5, "a b'\"$(x)": 70_000, "-n": 3, "zwölf": 12, strings.Repeat("long", 60): 1 << 20, "large": 9<<20 + 17, "*": 1} {
			if n > 0 && (size == 5 || size == 12 || size == 1) { // once is enough
				continue
			}
			want := bytes.Repeat([]byte("0123456789\x00\xff\n"), size/13+1)[:size]
			if err := put(f, g, dir+"/"+name, want, 32<<10); err != nil {
				t.Fatalf("%s: put %q: %v", box, name, err)
			}
			if got, err := os.ReadFile(local + "/" + name); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %q holds %d bytes, want %d (%v)", box, name, len(got), size, err)
			}
			moved(t, g, "write", dir+"/"+name, want)
			got, err := get(f, g, dir+"/"+name)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: get %q: %d bytes, want %d, %v", box, name, len(got), size, err)
			}
			moved(t, g, "read", dir+"/"+name, want)
		}
		a, err := f.File(t.Context(), g, connectors.FileCall{Do: connectors.ListDir, Path: dir})
		if here, _ := os.ReadDir(local); err != nil || len(a.Entries) != len(here) || len(here) < 4 {
			t.Errorf("%s: listed %v, %v", box, a.Entries, err)
		}
		_ = os.WriteFile(local+`/back\tslash`, []byte("x"), 0o600)
		if _, err := get(f, g, dir+`/back\tslash`); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: a name that tar reads in two ways: %v", box, err)
		}
		left, _ := filepath.Glob(local + "/.sallyport*")
		if len(left) > 0 {
			t.Errorf("%s: left behind: %v", box, left)
		}
	}
}

// moved checks the last operation on record.
func moved(t *testing.T, g *connectortest.Guard, verb, path string, want []byte) {
	t.Helper()
	all := g.Permits()
	p := all[len(all)-1]
	sum := sha256.Sum256(want)
	o := p.Outcomes()
	if len(o) != 1 || o[0].Err != nil || o[0].File == nil {
		t.Fatalf("%s %q: on record %+v", verb, path, o)
	}
	if f := o[0].File; f.Path != path || f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != int64(len(want)) || !f.Whole || f.Read+f.Written != int64(len(want)) {
		t.Errorf("%s %q: on record %+v", verb, path, f)
	}
	facts := p.Op.Facts
	if !strings.HasPrefix(p.Op.Text, verb+" ") || p.Op.Action != policy.ActionFile || facts.Class != policy.Dangerous || len(facts.Files) != 1 || facts.Files[0].Class != policy.Dangerous || facts.Files[0].Path != path ||
		facts.Kubernetes == nil || facts.Kubernetes.Subresource != "exec" || facts.Kubernetes.Namespace != "shop" || facts.Kubernetes.Name != "web-1" {
		t.Errorf("%s %q is judged as %q %+v", verb, path, p.Op.Text, facts)
	}
}

// What else can be done, and what cannot: in the protocol's own form, with a hint.
func TestFileOperations(t *testing.T) {
	for _, box := range boxes(t) {
		g := &connectortest.Guard{}
		f := filesOf(dial(t, g, kubetest.Admin))
		dir, local := inPod(t, box)
		mode, when := fs.FileMode(0o640), time.Unix(1_700_000_000, 0)
		if err := put(f, g, dir+"/x", []byte("one"), 10, connectors.FileAttributes{Mode: &mode}, connectors.FileAttributes{Accessed: when, Modified: when}); err != nil {
			t.Fatal(err)
		}
		if i, err := os.Stat(local + "/x"); err != nil || i.Mode() != mode || !i.ModTime().Equal(when) {
			t.Errorf("%s: attributes of what was put: %v %v", box, i, err)
		}
		_ = os.Chmod(local+"/x", 0o604)
		if err := put(f, g, dir+"/x", []byte("two"), 10); err != nil {
			t.Fatal(err)
		}
		if i, err := os.Stat(local + "/x"); err != nil || i.Mode() != 0o604 {
			t.Errorf("%s: a file that is written over keeps its permissions: %v %v", box, i, err)
		}
		for _, c := range []connectors.FileCall{{Do: connectors.MakeDir, Path: dir + "/d"}, {Do: connectors.SetStat, Path: dir + "/x", Set: connectors.FileAttributes{Mode: &mode}},
			{Do: connectors.StatFile, Path: dir + "/x"}, {Do: connectors.ListDir, Path: dir + "/d"}, {Do: connectors.StatFile, Path: "/"}, {Do: connectors.StatFile, Path: "/shop/web-1"}} {
			a, err := f.File(t.Context(), g, c)
			if err != nil {
				t.Errorf("%s: %s %s: %v", box, c.Do, c.Path, err)
			}
			if c.Path == dir+"/x" && c.Do == connectors.StatFile && (a.Info.Size() != 3 || a.Info.Mode() != mode || a.Info.Name() != "x") {
				t.Errorf("%s: %+v", box, a.Info)
			}
		}
		// As scp writes: in place, and cut off at the end.
		for size, want := range map[int64]string{5: "three", 4: "two", -1: "two"} {
			_ = os.WriteFile(local+"/y", []byte("two"), 0o644)
			o, err := f.OpenFile(t.Context(), g, connectors.FileCall{Do: connectors.WriteFile, Path: dir + "/y", Create: true})
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.WriteAt([]byte("three"), 0)
			if size >= 0 {
				err = errors.Join(err, o.Set(connectors.FileAttributes{Size: &size}))
			}
			err = errors.Join(err, o.Close())
			if b, _ := os.ReadFile(local + "/y"); string(b) != want || (err == nil) != (want == "three") {
				t.Errorf("%s: written in place to %d: %q, %v", box, size, b, err)
			}
		}
		_ = os.Symlink("/etc/passwd", local+"/link")
		_ = os.Symlink(local, local+"/d/up")
		if a, err := f.File(t.Context(), g, connectors.FileCall{Do: connectors.ReadLink, Path: dir + "/link"}); err != nil || a.Text != "/etc/passwd" {
			t.Errorf("%s: %+v %v", box, a, err)
		}
		if a, err := f.File(t.Context(), g, connectors.FileCall{Do: connectors.LstatFile, Path: dir + "/link"}); err != nil || a.Info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s: %+v %v", box, a, err)
		}
		size := int64(1)
		for _, c := range []connectors.FileCall{{Do: connectors.RemoveFile, Path: dir + "/x"}, {Do: connectors.RenameFile, Path: dir + "/x", To: "/y"}, {Do: connectors.Symlink, Path: dir + "/l", To: "x"},
			{Do: connectors.StatVFS, Path: dir}, {Do: connectors.SetStat, Path: dir + "/x", Set: connectors.FileAttributes{Size: &size}}, {Do: connectors.RemoveDir, Path: "/shop"}} {
			if _, err := f.File(t.Context(), g, c); !errors.Is(err, connectors.ErrUnsupported) {
				t.Errorf("%s: %s: %v", box, c.Do, err)
			}
		}
		for _, c := range []connectors.FileCall{{Do: connectors.UpdateFile, Path: dir + "/x"}, {Do: connectors.WriteFile, Path: dir + "/x", Append: true}} {
			if _, err := f.OpenFile(t.Context(), g, c); !errors.Is(err, connectors.ErrUnsupported) {
				t.Errorf("%s: %+v: %v", box, c, err)
			}
		}
		for p, want := range map[string]string{dir + "/none": "no such file", dir + "/d/none/x": "no such file", dir + "/d": "no regular file", dir + "/link": `leads through a link, to "/shop/web-1/` + box + `/etc/passwd"`,
			dir + "/d/up/x": "leads through a link", "/shop/web-9/app/x": "no such file", "/shop/web-1/none/x": "no such file", "/dev": "", "/shop/web-1": ""} {
			if _, err := get(f, g, p); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: get %s: %v, want %s", box, p, err, want)
			}
			if err := put(f, g, p, []byte("x"), 1); want != "" && want != "no such file" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: put %s: %v, want %s", box, p, err, want)
			}
		}
	}
}

// The folders above containers are what the API tells, asked for as requests.
func TestFoldersAbove(t *testing.T) {
	g := &connectortest.Guard{}
	f := filesOf(dial(t, g, kubetest.Admin))
	theCluster(t)
	for p, want := range map[string]string{"/": "shop", "/shop": "web-1", "/shop/web-1": "side"} {
		a, err := f.File(t.Context(), g, connectors.FileCall{Do: connectors.ListDir, Path: p})
		if err != nil || !slices.ContainsFunc(a.Entries, func(i fs.FileInfo) bool { return i.Name() == want && i.IsDir() }) {
			t.Errorf("%s: %v %v", p, a.Entries, err)
		}
	}
	for _, op := range g.Operations() {
		if op.Action != policy.ActionKubernetes || !strings.HasPrefix(op.Text, "GET /api/v1/namespaces") {
			t.Errorf("asked %q", op.Text)
		}
	}
	if _, err := f.File(t.Context(), g, connectors.FileCall{Do: connectors.ListDir, Path: "/shop/../../etc/x/y/z"}); err == nil {
		t.Error("a path with dots leads somewhere")
	}
}

// A denied operation asks nothing of the container, whichever it is.
func TestFilesDenied(t *testing.T) {
	s := theCluster(t)
	denied := &policy.Refusal{Rule: "r", Reason: "no"}
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return denied }}
	f := filesOf(dial(t, g, kubetest.Dev))
	dir, _ := inPod(t, "app")
	before, err := s.Audit()
	if err != nil {
		t.Fatal(err)
	}
	for do := range done {
		if _, err := f.File(t.Context(), g, connectors.FileCall{Do: do, Path: dir + "/x"}); !errors.Is(err, denied) {
			t.Errorf("%s: %v", do, err)
		}
	}
	for _, do := range []connectors.FileVerb{connectors.ReadFile, connectors.WriteFile} {
		if _, err := f.OpenFile(t.Context(), g, connectors.FileCall{Do: do, Path: dir + "/x", Create: true}); !errors.Is(err, denied) {
			t.Errorf("%s: %v", do, err)
		}
	}
	after, err := s.Audit()
	if err != nil || len(after) != len(before) {
		t.Errorf("the cluster was asked: %v, %v", after[len(before):], err)
	}
}

// What a hostile container answers is refused, and nothing of it passes.
func TestHostileContainers(t *testing.T) {
	s := theCluster(t)
	if err := s.Pod(t.Context(), "evil", "", "c"); err != nil {
		t.Fatal(err)
	}
	dir, local := inPod(t, "app")
	_ = dir
	write := func(name, content string) string {
		p := filepath.Join(local, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	f := write("f", "good")
	archive := func(script string) string {
		p := filepath.Join(local, "a.tar")
		c := exec.Command("sh", "-c", "rm -f a.tar; "+script)
		c.Dir = local
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", script, err, out)
		}
		return p
	}
	for name, tarball := range map[string]string{
		"another file":      "cat " + keep(t, archive("echo bad >g; tar cf a.tar ./g")),
		"an absolute name":  "cat " + keep(t, archive("tar cPf a.tar "+f)),
		"a way out":         "cat " + keep(t, archive("mkdir -p d; cd d; tar cPf ../a.tar ../f")),
		"a link":            "cat " + keep(t, archive("ln -sf /etc/passwd l; mkdir -p e; ln -sf /etc/passwd e/f; tar -C e -cf a.tar ./f")),
		"a hard link":       "cat " + keep(t, archive("mkdir -p h; echo x >h/a; ln -f h/a h/f; tar -C h -cf b.tar ./a ./f; dd if=b.tar of=a.tar bs=512 skip=2 2>/dev/null")),
		"a directory":       "cat " + keep(t, archive("mkdir -p i/f; tar -C i -cf a.tar ./f")),
		"two files":         "cat " + keep(t, archive("cp f g; tar cf a.tar ./f ./g")),
		"no archive":        "echo hello",
		"nothing":           "exit 0",
		"a failure":         "echo 'tar: secret-words: strange' >&2; exit 2",
		"cut off":           "head -c 700 " + keep(t, archive("head -c 5000 /dev/zero >f; tar cf a.tar ./f; printf good >f")),
		"an endless end":    "cat " + keep(t, archive("tar cf a.tar ./f")) + "; cat /dev/zero",
		"endless headers":   "yes | tr -d '\\n'",
		"an endless header": "cat " + keep(t, archive(`awk 'BEGIN { printf "././@LongLink"; for (i = 0; i < 88; i++) printf "%c", 0; printf "0000644%c0000000%c0000000%c77777777777%c00000000000%c", 0, 0, 0, 0, 0 }' >a.tar`)) + "; yes",
	} {
		if err := s.Program("evil", "c", "tar", tarball+"\n"); err != nil {
			t.Fatal(err)
		}
		g := &connectortest.Guard{}
		c := dial(t, g, kubetest.Admin)
		c.options.Grace = 200 * time.Millisecond
		b, err := get(filesOf(c), g, "/shop/evil/c"+f)
		if err == nil || len(b) > 0 && !strings.HasPrefix("good", string(b)) && name != "cut off" || strings.Contains(fmt.Sprint(err), "secret-words") {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	// Other programs that lie.
	for _, lie := range []struct{ program, script, do string }{
		{"readlink", "echo /other/place", "list"}, {"readlink", "yes /", "list"}, {"readlink", "printf 'x'", "list"},
		{"stat", "echo 81a4 1", "stat"}, {"stat", "yes", "stat"}, {"stat", "echo 81a4 99999999999999999999 1 0 0", "stat"},
		{"find", "echo 81a4 1 1 0 0 /elsewhere/x", "list"}, {"find", "echo 81a4 1 1 0 0 " + local + "/../../x", "list"}, {"find", "yes 81a4 1 1 0 0 " + local + "/x", "list"},
	} {
		_ = os.RemoveAll(filepath.Join(s.Folder("evil", "c"), "bin"))
		if err := s.Program("evil", "c", lie.program, lie.script+"\n"); err != nil {
			t.Fatal(err)
		}
		g := &connectortest.Guard{}
		do := map[string]connectors.FileVerb{"list": connectors.ListDir, "stat": connectors.StatFile}[lie.do]
		a, err := filesOf(dial(t, g, kubetest.Admin)).File(t.Context(), g, connectors.FileCall{Do: do, Path: "/shop/evil/c" + local})
		if err == nil {
			t.Errorf("%s says %q: %+v", lie.program, lie.script, a)
		}
	}
}

// keep gives an archive a name of its own.
func keep(t *testing.T, file string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "kept.tar")
	if err := os.Rename(file, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// What a container says of its files is read, whatever it is, and leads nowhere else.
func FuzzListing(f *testing.F) {
	f.Add("81a4 3 1700000000 0 0 /d/x\n41ed 0 1 1 1 /d/y\nz\n")
	f.Add("81a4 3 -1 0 0 /d/x")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseListing(text, "/d")
		if err != nil {
			return
		}
		for _, i := range all {
			if n := i.Name(); n == "" || n == "." || n == ".." || strings.ContainsAny(n, "/\x00") || i.Size() < 0 {
				t.Errorf("%q lists %q", text, n)
			}
		}
	})
}

func FuzzPlace(f *testing.F) {
	f.Add("/shop/web-1/app/etc/../x")
	f.Fuzz(func(t *testing.T, p string) {
		at, err := parsePlace(p)
		if err != nil {
			return
		}
		if again, err := parsePlace(at.String()); err != nil || again.String() != at.String() || again.path != at.path {
			t.Errorf("%q is %+v is %+v, %v", p, at, again, err)
		}
		if at.inside() && (len(at.parts) != 3 || !filepath.IsAbs(at.path) || strings.Contains(at.path+"/", "/../")) {
			t.Errorf("%q is %+v", p, at)
		}
	})
}
