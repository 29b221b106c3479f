package main

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	docLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docHead = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile(`[^a-z0-9 \-]`)
)

// Every link of the documentation leads to a file and a heading that are there.
func TestLinksOfDocs(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if d.Name() != "README.md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range docLink.FindAllStringSubmatch(string(text), -1) {
			seen++
			checkLink(t, path, m[1])
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Errorf("%d links were looked at: %v", seen, err)
	}
}

func checkLink(t *testing.T, from, link string) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" {
		return
	}
	to := from
	if u.Path != "" {
		to = filepath.Join(filepath.Dir(from), u.Path)
	}
	if _, err := os.Stat(to); err != nil {
		t.Errorf("%s: the link %s leads nowhere", from, link)
		return
	}
	if u.Fragment == "" {
		return
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Errorf("%s: %v", from, err)
	}
	for _, m := range docHead.FindAllStringSubmatch(string(text), -1) {
		if strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == u.Fragment {
			return
		}
	}
	t.Errorf("%s: %s has no heading %s", from, to, u.Fragment)
}
