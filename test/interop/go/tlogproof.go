package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
)

// ProofReport says what a proof proves.
type ProofReport struct {
	Origin string `json:"origin"`
	Index  uint64 `json:"index"`
	Size   uint64 `json:"size"`
}

// checkProof verifies a c2sp.org/tlog-proof@v1 of one line.
func checkProof(path string, logKeys keys, entry string) (*ProofReport, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, checkpoint, found := strings.Cut(string(raw), "\n\n")
	if !found {
		return nil, errors.New("the proof holds no checkpoint")
	}
	index, hashes, err := parseHead(head)
	if err != nil {
		return nil, err
	}
	signed, _, err := openCheckpoint([]byte(checkpoint), logKeys)
	if err != nil {
		return nil, err
	}
	leaf := hasher.HashLeaf([]byte(entry))
	if err := proof.VerifyInclusion(hasher, index, signed.Size, leaf, hashes, signed.Hash); err != nil {
		return nil, err
	}
	return &ProofReport{Origin: signed.Origin, Index: index, Size: signed.Size}, nil
}

func parseHead(head string) (uint64, [][]byte, error) {
	lines := strings.Split(head, "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, nil, errors.New("not a c2sp.org/tlog-proof@v1")
	}
	at := 1
	if strings.HasPrefix(lines[at], "extra ") {
		at++
	}
	text, found := strings.CutPrefix(lines[at], "index ")
	index, err := strconv.ParseUint(text, 10, 63)
	if !found || err != nil {
		return 0, nil, fmt.Errorf("not an index: %q", lines[at])
	}
	var hashes [][]byte
	for _, line := range lines[at+1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != hasher.Size() {
			return 0, nil, fmt.Errorf("not a hash: %q", line)
		}
		hashes = append(hashes, hash)
	}
	return index, hashes, nil
}
