package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
)

// readNotes splits checkpoints.log: each note is its text, an empty line, its signature lines and
// one more empty line.
func readNotes(path string) ([][]byte, error) {
	all, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var notes [][]byte
	for len(all) > 0 {
		text := bytes.Index(all, []byte("\n\n"))
		if text < 0 {
			return nil, fmt.Errorf("%s: note %d has no signatures", path, len(notes))
		}
		signatures := bytes.Index(all[text+2:], []byte("\n\n"))
		if signatures < 0 {
			return nil, fmt.Errorf("%s: note %d does not end", path, len(notes))
		}
		end := text + 2 + signatures + 1
		notes = append(notes, all[:end])
		all = all[end+1:]
	}
	return notes, nil
}

// openCheckpoint verifies a note with at least one of the keys of the log and reads what it says.
func openCheckpoint(raw []byte, logKeys keys) (*log.Checkpoint, note.Verifier, error) {
	opened, err := note.Open(raw, note.VerifierList(logKeys...))
	if err != nil {
		return nil, nil, err
	}
	for _, key := range logKeys {
		if opened.Sigs[0].Name != key.Name() || opened.Sigs[0].Hash != key.KeyHash() {
			continue
		}
		checkpoint, rest, _, err := log.ParseCheckpoint(raw, key.Name(), key)
		if err == nil && len(rest) > 0 {
			err = errors.New("the checkpoint has extension lines")
		}
		return checkpoint, key, err
	}
	return nil, nil, errors.New("no key of the log signed the checkpoint")
}

// hasCosigned tells whether the witness signed the checkpoint, at a time after the epoch.
func hasCosigned(raw []byte, witness note.Verifier) bool {
	opened, err := note.Open(raw, note.VerifierList(witness))
	return err == nil && len(opened.Sigs) == 1
}
