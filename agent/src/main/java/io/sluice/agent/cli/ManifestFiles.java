// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import io.sluice.cluster.resources.ResourceApi;
import io.sluice.config.cli.CommandException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Manifests that a command is given: files, folders, standard input. A mix-in. */
final class ManifestFiles {
  private static final String STDIN = "-";

  @Option(
      names = {"-f", "--filename"},
      paramLabel = "FILE|DIR|-",
      description = "manifests, YAML or JSON: a file, a folder of them, or - for standard input")
  private List<String> names = new ArrayList<>();

  @Option(
      names = {"-R", "--recursive"},
      description = "folders in folders, too")
  private boolean recursive;

  /**
   * One file.
   *
   * @param name as the user knows it
   */
  record Manifest(String name, byte[] content) {}

  boolean isEmpty() {
    return names.isEmpty();
  }

  /**
   * Hands on one file after the other, in the order of their names.
   *
   * @throws CommandException if one cannot be read, or there is none
   */
  void each(Consumer<Manifest> taker) {
    List<Path> files = new ArrayList<>();
    for (String name : names) {
      if (name.equals(STDIN)) {
        taker.accept(read("stdin", System.in));
      } else {
        files.addAll(files(Path.of(name)));
      }
    }
    for (Path file : files) {
      try (InputStream in = Files.newInputStream(file)) {
        taker.accept(read(file.toString(), in));
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
  }

  private List<Path> files(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    try (Stream<Path> found = Files.walk(path, recursive ? Integer.MAX_VALUE : 1)) {
      List<Path> files = found.filter(ManifestFiles::isManifest).sorted().toList();
      if (files.isEmpty()) {
        throw new CommandException(path + " has no *.yaml, *.yml or *.json");
      }
      return files;
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  private static boolean isManifest(Path file) {
    String name = file.getFileName().toString();
    boolean named = name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json");
    return named && !name.startsWith(".") && Files.isRegularFile(file);
  }

  private static Manifest read(String name, InputStream in) {
    try {
      byte[] content = in.readNBytes(ResourceApi.MOST_REQUEST_BYTES + 1);
      if (content.length > ResourceApi.MOST_REQUEST_BYTES) {
        throw new CommandException(
            "%s is larger than %d MiB: divide it"
                .formatted(name, ResourceApi.MOST_REQUEST_BYTES >> 20));
      }
      return new Manifest(name, content);
    } catch (IOException e) {
      throw unreadable(Path.of(name), e);
    }
  }

  private static CommandException unreadable(Path path, IOException e) {
    return new CommandException(
        e instanceof NoSuchFileException
            ? path + ": there is no such file or folder"
            : path + " cannot be read: " + e);
  }
}
