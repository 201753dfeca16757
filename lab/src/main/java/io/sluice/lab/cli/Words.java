// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Topology;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;

/** Choices of a topology as options take them: the words of its file. */
final class Words {
  private Words() {}

  private static <E extends Enum<E>> E of(Class<E> choices, String word) {
    return Enum.valueOf(choices, word.replace('-', '_').toUpperCase(Locale.ROOT));
  }

  /** none, cross-subnet, vxlan. */
  static final class Overlay implements ITypeConverter<Topology.Overlay> {
    @Override
    public Topology.Overlay convert(String word) {
      return of(Topology.Overlay.class, word);
    }
  }

  /** file, cluster. */
  static final class Source implements ITypeConverter<Topology.Source> {
    @Override
    public Topology.Source convert(String word) {
      return of(Topology.Source.class, word);
    }
  }
}
