// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import io.sluice.config.model.Manifest;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the last good version of each file on disk. An agent that starts beside a manifest that has
 * become bad would otherwise take the resources in it for unwanted, and remove them from the
 * kernel, where they still carry traffic.
 */
final class LastGood {
  private static final Logger LOG = LoggerFactory.getLogger(LastGood.class);
  private static final String SUFFIX = ".json";

  private final Optional<Path> folder;
  private final ManifestParser parser;
  private boolean complained;

  LastGood(Optional<Path> folder, ManifestParser parser) {
    this.folder = folder;
    this.parser = parser;
  }

  /** What that file held when it was last good; nothing if that is not known. */
  FileState recall(String file) {
    Optional<Path> path = path(file).filter(Files::isRegularFile);
    if (path.isEmpty()) {
      return FileState.EMPTY;
    }
    try {
      Map<ResourceKey, FileState.Entry> good = new LinkedHashMap<>();
      List<ParsedDocument> documents =
          parser.parse(path.get().toString(), Files.readAllBytes(path.get()));
      for (ParsedDocument document : documents) {
        document
            .resource()
            .ifPresent(
                resource -> {
                  String json = document.manifest().orElseThrow().json();
                  good.put(
                      resource.key(), new FileState.Entry(resource, new Manifest(file, 0, json)));
                });
      }
      return new FileState(good, List.of());
    } catch (IOException e) {
      complain(e);
      return FileState.EMPTY;
    }
  }

  /** Writes what a file holds, if that is something else than before. */
  void remember(String file, FileState before, FileState now) {
    Optional<Path> path = path(file);
    if (path.isEmpty() || sameDocuments(before, now) && Files.exists(path.get())) {
      return;
    }
    String text =
        now.good().values().stream()
            .map(entry -> entry.manifest().json())
            .collect(Collectors.joining("\n"));
    try {
      Files.createDirectories(folder.orElseThrow());
      Path fresh = path.get().resolveSibling(path.get().getFileName() + ".new");
      Files.write(fresh, text.getBytes(StandardCharsets.UTF_8));
      Files.move(fresh, path.get(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      complain(e);
    }
  }

  private static boolean sameDocuments(FileState a, FileState b) {
    return json(a).equals(json(b));
  }

  private static List<String> json(FileState state) {
    return state.good().values().stream().map(e -> e.manifest().json()).toList();
  }

  /** That file is gone, and what it held with it. */
  void forget(String file) {
    path(file).ifPresent(this::delete);
  }

  /** No other files exist: what they held was given up while nobody looked. */
  void forgetAllBut(Set<String> files) {
    if (folder.isEmpty() || !Files.isDirectory(folder.get())) {
      return;
    }
    Set<String> names = files.stream().map(LastGood::name).collect(Collectors.toSet());
    try (Stream<Path> list = Files.list(folder.get())) {
      list.filter(p -> !names.contains(p.getFileName().toString())).forEach(this::delete);
    } catch (IOException e) {
      complain(e);
    }
  }

  private void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      complain(e);
    }
  }

  private Optional<Path> path(String file) {
    return folder.map(f -> f.resolve(name(file)));
  }

  private static String name(String file) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(file.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 16) + SUFFIX;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private void complain(IOException e) {
    if (!complained) {
      complained = true;
      LOG.warn(
          "the last good state cannot be kept below {}: {}", folder.orElseThrow(), e.toString());
    }
  }
}
