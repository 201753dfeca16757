// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A bpffs of a test's own, mounted at a new folder. Gone after {@link #close}, pins and all. */
public final class TestBpffs implements AutoCloseable {
  private final Path path;

  private TestBpffs(Path path) {
    this.path = path;
  }

  public static TestBpffs mount() {
    try {
      Path path = Files.createTempDirectory("slt-bpffs-");
      TestNetns.exec("mount", "-t", "bpf", "bpf", path.toString());
      return new TestBpffs(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() {
    TestNetns.exec("umount", "--lazy", path.toString());
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
