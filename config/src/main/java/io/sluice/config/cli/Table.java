// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Columns for people: as wide as their widest cell, two spaces apart, no lines around them. */
public final class Table {
  private static final int GAP = 2;

  private final List<String[]> rows = new ArrayList<>();
  private final int[] widths;

  public Table(String... header) {
    widths = new int[header.length];
    add((Object[]) header);
  }

  /** Adds a row of as many cells as the header has. */
  public Table add(Object... cells) {
    if (cells.length != widths.length) {
      throw new IllegalArgumentException(cells.length + " cells in " + widths.length + " columns");
    }
    String[] row = Arrays.stream(cells).map(String::valueOf).toArray(String[]::new);
    for (int i = 0; i < row.length; i++) {
      row[i] = row[i].isEmpty() ? "-" : row[i];
      widths[i] = Math.max(widths[i], row[i].length());
    }
    rows.add(row);
    return this;
  }

  /** Prints all rows. */
  public void print(PrintWriter out) {
    out.print(this);
    out.flush();
  }

  /** All rows, a line each, without blanks at the end of lines. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        line.append(row[i]).append(" ".repeat(widths[i] - row[i].length() + GAP));
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
