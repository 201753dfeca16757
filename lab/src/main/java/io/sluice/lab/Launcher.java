// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds {@code bin/sluice} and what lies beside it. */
public final class Launcher {
  private Launcher() {}

  /**
   * The launcher: the system property {@code sluice.bin}, SLUICE_BIN, {@code bin/sluice} of the
   * folder that the system property {@code sluice.home} names, or of a folder above this one.
   */
  public static Optional<Path> find() {
    Stream<Path> said =
        Stream.of(System.getProperty("sluice.bin"), System.getenv("SLUICE_BIN"))
            .filter(p -> p != null && !p.isEmpty())
            .map(p -> Path.of(p).toAbsolutePath());
    String home = System.getProperty("sluice.home");
    Stream<Path> folders =
        Stream.concat(
            Stream.ofNullable(home).map(Path::of),
            Stream.iterate(
                Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent));
    return Stream.concat(said, folders.map(folder -> folder.resolve("bin/sluice")))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** The folder of the examples, if it can be found. */
  public static Optional<Path> examples() {
    return find()
        .map(launcher -> launcher.getParent().resolveSibling("examples"))
        .filter(Files::isDirectory);
  }
}
