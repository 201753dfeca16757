// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Settings by /proc/sys, which shows each thread its own network namespace. */
public final class ProcSysctls implements Sysctls {
  private static final Path ROOT = Path.of("/proc/sys");
  private static final int BUFFER = 4096;

  @Override
  public Optional<String> read(String key) {
    try (InputStream in = Files.newInputStream(ROOT.resolve(key))) {
      // The kernel gives a number to the first read only: one that begins with a small buffer, as
      // Files.readString does, gets the first digit.
      byte[] buffer = new byte[BUFFER];
      int length = Math.max(0, in.read(buffer));
      return Optional.of(new String(buffer, 0, length, StandardCharsets.US_ASCII).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("read sysctl " + key + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void write(String key, String value) {
    try {
      Files.writeString(ROOT.resolve(key), value + "\n", StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "set sysctl " + key + " to " + value + ": " + e.getMessage(), e);
    }
  }

  @Override
  public List<String> list(String key) {
    try (Stream<Path> entries = Files.list(ROOT.resolve(key))) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException("list sysctls " + key + ": " + e.getMessage(), e);
    }
  }
}
