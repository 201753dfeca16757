// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.source;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** A folder of manifests as it is listed: files by their path below it, and folders to watch. */
record Folder(SortedMap<String, Path> files, List<Path> folders) {
  private static final int MAX_DEPTH = 32;

  /**
   * Lists a folder. Files and folders whose name begins with a dot are nobody's manifests: editors
   * and mounted ConfigMaps use them.
   *
   * @throws IOException if the folder itself cannot be listed
   */
  static Folder list(Path root, boolean recursive) throws IOException {
    try (var probe = Files.newDirectoryStream(root)) {
      probe.iterator().hasNext();
    }
    SortedMap<String, Path> files = new TreeMap<>();
    List<Path> folders = new ArrayList<>();
    Files.walkFileTree(
        root,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS),
        recursive ? MAX_DEPTH : 1,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            if (!folder.equals(root) && isHidden(folder)) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            folders.add(folder);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && !isHidden(file) && isManifest(file)) {
              files.put(root.relativize(file).toString(), file);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            return FileVisitResult.CONTINUE; // gone between listing and looking, or a link's loop
          }
        });
    return new Folder(files, folders);
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }

  private static boolean isManifest(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json");
  }
}
