// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small BPF objects, compiled when a test needs them. */
public final class TestObject {
  private static final String PRELUDE =
      """
      #include <linux/bpf.h>
      #include <bpf/bpf_helpers.h>
      char LICENSE[] SEC("license") = "Dual BSD/GPL";
      """;

  private TestObject() {}

  /** Compiles a source, to which the usual headers and a licence are added. */
  public static byte[] compile(String source) {
    try {
      Path folder = Files.createTempDirectory("slt-object-");
      Path c = folder.resolve("test.bpf.c");
      Path o = folder.resolve("test.bpf.o");
      try {
        Files.writeString(c, PRELUDE + source);
        String include =
            "-I/usr/include/" + System.getProperty("os.arch").replace("amd64", "x86_64");
        TestNetns.exec(
            "clang",
            "-target",
            "bpf",
            "-mcpu=v3",
            "-O2",
            "-g",
            include + "-linux-gnu",
            "-c",
            c.toString(),
            "-o",
            o.toString());
        return Files.readAllBytes(o);
      } finally {
        Files.deleteIfExists(c);
        Files.deleteIfExists(o);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
