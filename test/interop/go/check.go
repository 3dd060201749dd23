package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

var hasher = rfc6962.DefaultHasher

// LogReport says what was verified.
type LogReport struct {
	Origin      string `json:"origin"`
	Size        uint64 `json:"size"`
	Root        string `json:"root"`
	Lines       int    `json:"lines"`
	Checkpoints int    `json:"checkpoints"`
	Inclusions  int    `json:"inclusions"`
	Witnessed   bool   `json:"witnessed"`
}

func checkLog(ctx context.Context, dir string, logKeys keys, witness note.Verifier) (*LogReport, error) {
	source, err := readSegments(dir)
	if err != nil {
		return nil, err
	}
	raw, err := source.ReadCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	newest, key, err := openCheckpoint(raw, logKeys)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	report := &LogReport{
		Origin: newest.Origin,
		Size:   newest.Size,
		Root:   base64.StdEncoding.EncodeToString(newest.Hash),
		Lines:  len(source.lines),
	}
	if witness != nil {
		if report.Witnessed = hasCosigned(raw, witness); !report.Witnessed {
			return nil, errors.New("the witness did not sign the checkpoint")
		}
	}
	check := fsck.New(newest.Origin, key, source, hashBundle, fsck.Opts{N: 2})
	if err := check.Check(ctx); err != nil {
		return nil, fmt.Errorf("fsck: %w", err)
	}
	if report.Checkpoints, err = checkHistory(ctx, dir, source, logKeys, newest); err != nil {
		return nil, err
	}
	report.Inclusions, err = checkInclusions(ctx, source, newest)
	return report, err
}

func hashBundle(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(bundle.Entries))
	for _, entry := range bundle.Entries {
		hashes = append(hashes, hasher.HashLeaf(entry))
	}
	return hashes, nil
}

// checkHistory verifies every checkpoint that was ever signed: its signature, its root over the
// lines, and that each one only appends to the one before, by proofs made of the tiles.
func checkHistory(
	ctx context.Context, dir string, source *segmented, logKeys keys, newest *log.Checkpoint,
) (int, error) {
	notes, err := readNotes(filepath.Join(dir, "checkpoints.log"))
	if err != nil {
		return 0, err
	}
	builder, err := client.NewProofBuilder(ctx, newest.Size, source.ReadTile)
	if err != nil {
		return 0, err
	}
	tree := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0)
	var before *log.Checkpoint
	for at, raw := range notes {
		one, _, err := openCheckpoint(raw, logKeys)
		if err != nil {
			return 0, fmt.Errorf("checkpoints.log: note %d: %w", at, err)
		}
		if one.Size > newest.Size || (before != nil && one.Size < before.Size) {
			return 0, fmt.Errorf("checkpoints.log: note %d: size %d is out of order", at, one.Size)
		}
		if err := rootMatches(tree, source.lines, one); err != nil {
			return 0, fmt.Errorf("checkpoints.log: note %d: %w", at, err)
		}
		if before != nil && before.Size > 0 && before.Size < one.Size {
			hashes, err := builder.ConsistencyProof(ctx, before.Size, one.Size)
			if err != nil {
				return 0, err
			}
			err = proof.VerifyConsistency(hasher, before.Size, one.Size, hashes, before.Hash, one.Hash)
			if err != nil {
				return 0, fmt.Errorf("checkpoints.log: note %d: %w", at, err)
			}
		}
		before = one
	}
	if before == nil || before.Size != newest.Size || !bytes.Equal(before.Hash, newest.Hash) {
		return 0, errors.New("checkpoints.log does not end with the newest checkpoint")
	}
	return len(notes), nil
}

func rootMatches(tree *compact.Range, lines [][]byte, one *log.Checkpoint) error {
	if one.Size > uint64(len(lines)) {
		return fmt.Errorf("size %d, but there are %d lines", one.Size, len(lines))
	}
	for tree.End() < one.Size {
		if err := tree.Append(hasher.HashLeaf(lines[tree.End()]), nil); err != nil {
			return err
		}
	}
	root, err := tree.GetRootHash(nil)
	if err == nil && one.Size > 0 && !bytes.Equal(root, one.Hash) {
		err = fmt.Errorf("size %d: the root is not that of the lines", one.Size)
	}
	return err
}

// checkInclusions proves some of the lines to be in the tree, with hashes from the tiles alone.
func checkInclusions(ctx context.Context, source *segmented, newest *log.Checkpoint) (int, error) {
	builder, err := client.NewProofBuilder(ctx, newest.Size, source.ReadTile)
	if err != nil {
		return 0, err
	}
	count := 0
	step := newest.Size/100 + 1
	for index := uint64(0); index < newest.Size; index += step {
		hashes, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return count, err
		}
		leaf := hasher.HashLeaf(source.lines[index])
		if err := proof.VerifyInclusion(hasher, index, newest.Size, leaf, hashes, newest.Hash); err != nil {
			return count, fmt.Errorf("record %d: %w", index, err)
		}
		count++
	}
	return count, nil
}
