package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// segmented is a log as it lies on the disk: checkpoint and tiles where C2SP tlog-tiles has them,
// the entries as lines of segment files instead of bundles.
type segmented struct {
	client.FileFetcher
	lines [][]byte
}

func readSegments(dir string) (*segmented, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "seg", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	sort.Strings(paths)
	all := &segmented{FileFetcher: client.FileFetcher{Root: dir}}
	for _, path := range paths {
		if first := fmt.Sprintf("%016d.jsonl", len(all.lines)); filepath.Base(path) != first {
			return nil, fmt.Errorf("%s where %s belongs", path, first)
		}
		if err := all.readLines(path); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *segmented) readLines(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(make([]byte, 1<<20), 1<<20)
	// ScanLines would take a carriage return for part of the end of a line.
	scanner.Split(func(data []byte, _ bool) (int, []byte, error) {
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			return end + 1, data[:end], nil
		}
		return 0, nil, nil
	})
	for scanner.Scan() {
		s.lines = append(s.lines, bytes.Clone(scanner.Bytes()))
	}
	return scanner.Err()
}

// ReadEntryBundle makes the bundle that C2SP tlog-tiles §Log entries describes, of 256 lines or fewer.
func (s *segmented) ReadEntryBundle(_ context.Context, index uint64, partial uint8) ([]byte, error) {
	width := uint64(partial)
	if width == 0 {
		width = layout.EntryBundleWidth
	}
	first := index * layout.EntryBundleWidth
	if first+width > uint64(len(s.lines)) {
		return nil, fmt.Errorf("entries %d to %d: %w", first, first+width, os.ErrNotExist)
	}
	var bundle []byte
	for _, line := range s.lines[first : first+width] {
		bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(line)))
		bundle = append(bundle, line...)
	}
	return bundle, nil
}
