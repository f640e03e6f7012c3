// units-f32: matrix units that multiply f32, an experimental extension; the workers of a workgroup differ by subgroup only.
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

alias Part = f32;
