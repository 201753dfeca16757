// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.codegen;

import io.sluice.kernel.btf.Btf;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Generates package io.sluice.kernel.layout from the BTF of layout.bpf.o: a record with codecs for
 * every structure or pair of structures of the two families, and a class of constants for every
 * enumeration. Same object, same bytes; files that would not change are left alone.
 */
public final class LayoutGenerator {
  private LayoutGenerator() {}

  /** Arguments: the object's name on the class path, and the root folder of the sources. */
  public static void main(String[] args) throws IOException {
    byte[] object;
    try (InputStream in = LayoutGenerator.class.getClassLoader().getResourceAsStream(args[0])) {
      if (in == null) {
        throw new IOException("not on the class path: " + args[0] + "; build bpf-c first");
      }
      object = in.readAllBytes();
    }
    write(generate(Btf.ofObject(object)), Path.of(args[1], "io/sluice/kernel/layout"));
  }

  /** All sources, by simple class name. */
  public static Map<String, String> generate(Btf btf) {
    Map<String, String> sources = new TreeMap<>();
    for (Layouts.Unit unit : new Layouts(btf).units()) {
      put(sources, unit.javaName(), RecordWriter.write(unit));
    }
    for (Btf.Type type : btf.types()) {
      if (type instanceof Btf.Enum e && !e.name().isEmpty()) {
        put(sources, Names.type(e.name()), EnumWriter.write(e));
      }
    }
    return sources;
  }

  private static void put(Map<String, String> sources, String name, String source) {
    if (sources.put(name, source) != null) {
      throw new IllegalArgumentException("two types of C would be called " + name);
    }
  }

  private static void write(Map<String, String> sources, Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path old : files.toList()) {
        if (!sources.containsKey(old.getFileName().toString().replace(".java", ""))) {
          Files.delete(old);
        }
      }
    }
    for (Map.Entry<String, String> source : sources.entrySet()) {
      Path file = folder.resolve(source.getKey() + ".java");
      byte[] bytes = source.getValue().getBytes(StandardCharsets.UTF_8);
      if (!Files.exists(file) || !java.util.Arrays.equals(Files.readAllBytes(file), bytes)) {
        Files.write(file, bytes);
      }
    }
  }
}
