// SPDX-License-Identifier: Apache-2.0
/** {@code sluice lab …}. */
package io.sluice.lab.cli;
