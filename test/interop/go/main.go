// Ledgercheck verifies the files of an audit log with none of the code that wrote them: the signed
// notes with golang.org/x/mod/sumdb/note, tiles and root with Tessera's fsck, the root of every
// stored checkpoint and every kind of proof with transparency-dev/merkle. Prints one line of JSON.
//
//	ledgercheck log --dir D --vkey KEY [--witness-vkey KEY]
//	ledgercheck proof --file F --vkey KEY --entry LINE
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// keys is a flag that may be given several times: while one key follows another, both are valid.
type keys []note.Verifier

func (k *keys) String() string { return fmt.Sprint(len(*k), " keys") }

func (k *keys) Set(text string) error {
	v, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	*k = append(*k, v)
	return nil
}

func main() {
	report, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("usage: ledgercheck log|proof --vkey KEY ...")
	}
	var logKeys keys
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Var(&logKeys, "vkey", "public key of the log; repeatable")
	dir := flags.String("dir", "", "directory of the log")
	witness := flags.String("witness-vkey", "", "public key of a witness that must have cosigned")
	file := flags.String("file", "", "a proof, c2sp.org/tlog-proof@v1")
	entry := flags.String("entry", "", "the line that the proof is of, without newline")
	if err := flags.Parse(args[1:]); err != nil {
		return nil, err
	}
	if len(logKeys) == 0 {
		return nil, errors.New("--vkey is missing")
	}
	switch args[0] {
	case "log":
		var witnessKey note.Verifier
		if *witness != "" {
			v, err := fnote.NewVerifierForCosignatureV1(*witness)
			if err != nil {
				return nil, fmt.Errorf("--witness-vkey: %w", err)
			}
			witnessKey = v
		}
		return checkLog(ctx, *dir, logKeys, witnessKey)
	case "proof":
		return checkProof(*file, logKeys, *entry)
	}
	return nil, fmt.Errorf("%s: not a command", args[0])
}
