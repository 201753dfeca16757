// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.house;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The files of the project that git keeps or would keep, by their paths from its root. */
final class SourceTree {
  private final Path root;
  private final List<String> paths;

  private SourceTree(Path root, List<String> paths) {
    this.root = root;
    this.paths = paths;
  }

  /**
   * Lists the tree that the working folder belongs to. Outside of a git clone there is no list, and
   * the tests that need it are skipped by whoever catches this.
   *
   * @throws IOException where git or the clone is missing
   */
  static SourceTree open() throws IOException, InterruptedException {
    String top = git(Path.of("").toAbsolutePath(), "rev-parse", "--show-toplevel").strip();
    Path root = Path.of(top);
    String listed =
        git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate");
    List<String> paths =
        Arrays.stream(listed.split("\0"))
            .filter(path -> Files.isRegularFile(root.resolve(path)))
            .sorted()
            .toList();
    return new SourceTree(root, paths);
  }

  /** All paths whose name ends in one of the endings. */
  List<String> ending(String... endings) {
    return paths.stream().filter(p -> Arrays.stream(endings).anyMatch(p::endsWith)).toList();
  }

  List<String> paths() {
    return paths;
  }

  String text(String path) {
    try {
      return Files.readString(root.resolve(path), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(path, e);
    }
  }

  List<String> lines(String path) {
    return text(path).lines().toList();
  }

  /** Whether there is a file or folder at LINK as written in the file at PATH. */
  boolean leadsSomewhere(String path, String link) {
    Path folder = root.resolve(path).getParent();
    return Files.exists(folder.resolve(link));
  }

  private static String git(Path folder, String... arguments)
      throws IOException, InterruptedException {
    ProcessBuilder command = new ProcessBuilder("git");
    command.command().addAll(List.of("-c", "safe.directory=*"));
    command.command().addAll(List.of(arguments));
    Process process =
        command.directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("git " + String.join(" ", arguments) + " failed in " + folder);
    }
    return output;
  }
}
