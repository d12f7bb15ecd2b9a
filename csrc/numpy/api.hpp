// The NumPy C-API, included the same way everywhere. One file defines HALFULP_IMPORT_NUMPY and owns the tables.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL halfulp_array_api
#define PY_UFUNC_UNIQUE_SYMBOL halfulp_ufunc_api
#if !defined(HALFULP_IMPORT_NUMPY)
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/dtype_api.h>
#include <numpy/ufuncobject.h>
