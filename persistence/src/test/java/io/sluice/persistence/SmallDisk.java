// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A file system that is full soon; needs root. */
final class SmallDisk implements AutoCloseable {
  private final Path folder;

  private SmallDisk(Path folder) {
    this.folder = folder;
  }

  static SmallDisk mount(Path folder, String size) throws IOException {
    Files.createDirectories(folder);
    String said = run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder.toString());
    if (!said.isEmpty()) {
      if ("1".equals(System.getenv("SLUICE_REQUIRE_KERNEL"))) {
        throw new IOException("cannot mount a tmpfs: " + said);
      }
      abort("needs to mount a tmpfs: " + said);
    }
    return new SmallDisk(folder);
  }

  void grow(String size) throws IOException {
    assertThat(run("mount", "-o", "remount,size=" + size, folder.toString())).isEmpty();
  }

  @Override
  public void close() throws IOException {
    assertThat(run("umount", folder.toString())).isEmpty();
  }

  private static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.onExit().join().exitValue();
    return exit == 0 ? "" : "exit code " + exit + ": " + said.strip();
  }
}
