package aferoadapter_test

func crashing() bool { return false }
